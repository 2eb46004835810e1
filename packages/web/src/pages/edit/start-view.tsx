import { useId, useRef } from 'react';
import type { EditController } from '../../state/edit-controller.js';
import type { EditState } from '../../state/edit-state.js';
import { Icon } from '../../ui/icon.js';
import { NumberField } from '../../ui/number-field.js';

export interface StartViewProps {
  readonly state: EditState;
  readonly edit: EditController;
  readonly onFile: (file: File) => void;
}

const MOST_SCENES = 2 ** 31 - 1;

/** Where a picture comes from: a file, the clipboard, or the toy world. */
export function StartView({ state, edit, onFile }: StartViewProps) {
  const { offers, opening } = state;
  return (
    <div className="start">
      <h2 className="headline">Change a picture in words.</h2>
      <p className="start-lede">
        Bring a picture and say what should be different. It goes to the server in the address bar and nowhere
        else.
      </p>
      <div className="drop-zone">
        <Icon name="image" />
        <p>
          <span className="wide-only">Drop a picture here, paste one, or</span>
          <FileButton primary onFile={onFile} label="Choose a picture" />
        </p>
        <p className="help" role="status">
          {opening === 'file'
            ? 'Opening the picture…'
            : 'PNG, JPEG or WebP. A PNG made here brings its settings along.'}
        </p>
      </div>
      {offers !== undefined && offers.state !== 'failed' && (
        <section className="offers" aria-label="Scenes" aria-busy={offers.state === 'loading'}>
          <div className="offers-head">
            <h3>Or take a scene from the toy world</h3>
            <div className="offers-tools">
              <NumberField
                label="Scene number"
                value={offers.seed}
                min={0}
                max={MOST_SCENES}
                step={1}
                onChange={(seed) => seed !== undefined && void edit.offerScenes(seed)}
              />
              <button
                type="button"
                className="button"
                onClick={() => void edit.offerScenes((offers.seed + 3) % MOST_SCENES)}
              >
                <Icon name="refresh" />
                Other scenes
              </button>
            </div>
          </div>
          <ul>
            {offers.scenes.map((scene) => (
              <li key={scene.picture.url}>
                <button type="button" onClick={() => edit.openOffer(scene)}>
                  <img src={scene.picture.url} alt={`Scene ${scene.seed}`} />
                  <span>{scene.suggestions[0] ?? `Scene ${scene.seed}`}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

export interface FileButtonProps {
  readonly label: string;
  readonly primary?: boolean;
  readonly onFile: (file: File) => void;
}

/** A button that opens the browser's file dialog. */
export function FileButton({ label, primary = false, onFile }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  return (
    <>
      <button
        type="button"
        className={primary ? 'button button-primary' : 'button'}
        onClick={() => input.current?.click()}
      >
        <Icon name="folder" />
        {label}
      </button>
      <input
        ref={input}
        id={id}
        type="file"
        accept="image/*"
        hidden
        aria-label={label}
        onChange={(event) => {
          const file = event.target.files?.[0];
          // The same file may be chosen again.
          event.target.value = '';
          if (file !== undefined) onFile(file);
        }}
      />
    </>
  );
}
