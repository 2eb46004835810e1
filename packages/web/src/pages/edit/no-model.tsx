import { Icon } from '../../ui/icon.js';

/** In place of the page when the server has no model that edits pictures: what it would do, and how to get there. */
export function NoModel({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <div className="start no-model">
      <h2 className="headline">This server edits no pictures yet.</h2>
      <p className="start-lede">
        It was started without an image model. With one, you would bring a picture here and say in words what
        should be different: “make the red cube blue”, “move the ball behind the cone”.
      </p>
      <ol>
        <li>
          Stop the server and start it with an image model. The small one that comes with Triptych is taken by
          itself; any InstructPix2Pix model will do too, as a folder of diffusers or one safetensors file.
          <pre>
            <code>triptych serve --image-model path/to/model</code>
          </pre>
        </li>
        <li>Then look again. Nothing on this page is lost meanwhile.</li>
      </ol>
      <button type="button" className="button button-primary" onClick={onRetry}>
        <Icon name="refresh" />
        Look again
      </button>
    </div>
  );
}
