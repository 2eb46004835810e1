import { useState } from 'react';
import { extensionOf } from '../../api/images.js';
import { formatDuration, formatPercent } from '../../lib/format.js';
import type { EditController } from '../../state/edit-controller.js';
import { type EditRun, runFigures } from '../../state/edit-run.js';
import { activeRun, type EditState } from '../../state/edit-state.js';
import { type EditNode, fileName, nodeTitle, type Picture, parentOf, pathTo } from '../../state/edit-tree.js';
import { ErrorCard } from '../../ui/error-card.js';
import { Icon } from '../../ui/icon.js';
import { CompareSlider } from './compare-slider.js';
import { DifferenceView } from './difference-view.js';
import { MaskCanvas } from './mask-canvas.js';
import { MaskTools } from './mask-tools.js';
import { useDifference } from './use-difference.js';

export interface StageProps {
  readonly state: EditState;
  readonly node: EditNode;
  readonly edit: EditController;
  readonly onOpenSettings: () => void;
  /** Called when a pressed button vanishes and the focus needs a new place. */
  readonly onFocusLost: () => void;
}

type View = 'slider' | 'beside' | 'difference';

const VIEWS: readonly { readonly view: View; readonly label: string }[] = [
  { view: 'slider', label: 'Slider' },
  { view: 'beside', label: 'Side by side' },
  { view: 'difference', label: 'Difference' },
];

/** Edits in a row after which it is worth saying that they add up. */
const LONG_CHAIN = 4;

/** The selected picture: compared with the one before, under the mask's brush, or with an edit on its way. */
export function Stage({ state, node, edit, onOpenSettings, onFocusLost }: StageProps) {
  const [view, setView] = useState<View>('slider');
  const { run, masking, mask } = state;
  const active = activeRun(state);
  const running = active !== undefined && active === run && run.source === node.id;
  const failure = run !== undefined && run.source === node.id ? runFigures(run).error : undefined;
  const before = parentOf(state.tree, node);
  const ratio = node.picture.width / node.picture.height;
  const compared = !running && !masking && before !== undefined;
  return (
    <div className="stage">
      <div className="stage-head">
        <div>
          <h2>{nodeTitle(node)}</h2>
          <Facts node={node} before={before} />
        </div>
        {compared && <ViewSwitch view={view} onView={setView} />}
      </div>
      <div
        className="stage-canvas"
        data-view={compared ? view : 'single'}
        style={{ '--ratio': ratio } as React.CSSProperties}
      >
        {masking && mask !== undefined ? (
          <Frame>
            <MaskCanvas key={node.id} picture={node.picture} painted={mask} brush={state.brush} edit={edit} />
          </Frame>
        ) : running ? (
          <Running run={run} picture={node.picture} />
        ) : before === undefined ? (
          <Frame>
            <img src={node.picture.url} alt={nodeTitle(node)} />
          </Frame>
        ) : (
          <Compared view={view} node={node} before={before} />
        )}
      </div>
      {failure !== undefined && (
        <ErrorCard
          error={failure}
          title="The edit failed"
          onRetry={() => {
            onFocusLost();
            void edit.edit();
          }}
          onOpenSettings={onOpenSettings}
        />
      )}
      {masking ? (
        <MaskTools state={state} edit={edit} />
      ) : (
        <Actions
          state={state}
          node={node}
          edit={edit}
          busy={active !== undefined}
          onFocusLost={onFocusLost}
        />
      )}
    </div>
  );
}

function Frame({ children }: { readonly children: React.ReactNode }) {
  return <div className="picture-frame">{children}</div>;
}

/** The picture as the model sees it now, over the source. */
function Running({ run, picture }: { readonly run: EditRun; readonly picture: Picture }) {
  const preview = run.cells.find((cell) => cell.status === 'running')?.preview;
  return (
    <Frame>
      {preview === undefined ? (
        <div className="working">
          <img src={picture.url} alt="The source, before the edit" />
        </div>
      ) : (
        <CompareSlider before={picture.url} after={preview} description="as far as the edit is" />
      )}
    </Frame>
  );
}

interface ComparedProps {
  readonly view: View;
  readonly node: EditNode;
  readonly before: EditNode;
}

function Compared({ view, node, before }: ComparedProps) {
  if (view === 'slider') {
    return (
      <Frame>
        <CompareSlider
          key={node.id}
          before={before.picture.url}
          after={node.picture.url}
          description={nodeTitle(node)}
        />
      </Frame>
    );
  }
  return (
    <div className="beside">
      <figure>
        <img src={before.picture.url} alt="Before" />
        <figcaption>Before</figcaption>
      </figure>
      <figure>
        {view === 'beside' ? (
          <img src={node.picture.url} alt={`After: ${nodeTitle(node)}`} />
        ) : (
          <DifferenceView before={before.picture} after={node.picture} />
        )}
        <figcaption>{view === 'beside' ? 'After' : 'What changed'}</figcaption>
      </figure>
    </div>
  );
}

function ViewSwitch({ view, onView }: { readonly view: View; readonly onView: (view: View) => void }) {
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">Compare</legend>
      {VIEWS.map(({ view: each, label }) => (
        <label key={each}>
          <input type="radio" name="compare" checked={view === each} onChange={() => onView(each)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Size and origin of the picture in one line. */
function Facts({ node, before }: { readonly node: EditNode; readonly before: EditNode | undefined }) {
  const difference = useDifference(before?.picture, node.picture);
  const { origin, picture } = node;
  return (
    <p className="figures help">
      {difference !== undefined && <b>{formatPercent(difference.changedShare)} of pixels changed</b>}
      {origin.kind === 'edit' && (
        <>
          <span>seed {origin.parameters.seed}</span>
          <span>
            follow {origin.parameters.textGuidance}, keep {origin.parameters.imageGuidance}
          </span>
          {origin.parameters.masked && <span>masked</span>}
          <span>{formatDuration(origin.elapsedMs)}</span>
        </>
      )}
      <span>
        {picture.width} × {picture.height}
      </span>
    </p>
  );
}

interface ActionsProps {
  readonly state: EditState;
  readonly node: EditNode;
  readonly edit: EditController;
  readonly busy: boolean;
  readonly onFocusLost: () => void;
}

function Actions({ state, node, edit, busy, onFocusLost }: ActionsProps) {
  const isEdit = node.origin.kind === 'edit';
  const scene = node.origin.kind === 'scene' ? node.origin.seed : undefined;
  const chain = pathTo(state.tree, node).length - 1;
  const leave = (action: () => void) => () => {
    action();
    onFocusLost();
  };
  return (
    <div className="stage-actions">
      {isEdit && node.parent !== undefined && (
        <>
          <button type="button" className="button" onClick={leave(() => edit.undo())}>
            <Icon name="undo" />
            Undo
          </button>
          <button
            type="button"
            className="button"
            disabled={busy}
            title="Edit the picture before again, with the instruction and the settings as they are now"
            onClick={leave(() => void edit.tryAgain())}
          >
            <Icon name="refresh" />
            Try again
          </button>
        </>
      )}
      {isEdit && (
        <button
          type="button"
          className="button"
          title="Take over instruction, knobs and seed of this picture"
          onClick={() => edit.reuse(node)}
        >
          <Icon name="sliders" />
          <span>
            Reuse<span className="wide-only"> settings</span>
          </span>
        </button>
      )}
      {scene !== undefined && (
        <button
          type="button"
          className="button"
          disabled={state.opening === 'scene'}
          onClick={() => void edit.openScene(scene + 1)}
        >
          <Icon name="scene" />
          Another scene
        </button>
      )}
      <a
        className="button"
        href={node.picture.url}
        download={fileName(node, extensionOf(node.picture.blob.type))}
      >
        <Icon name="download" />
        Download
      </a>
      <button
        type="button"
        className="icon-button"
        aria-label="Remove from the history"
        title="Remove from the history (Delete)"
        onClick={leave(() => edit.remove(node.id))}
      >
        <Icon name="trash" />
      </button>
      {chain >= LONG_CHAIN && (
        <p className="help">
          {chain} edits in a row: each one redraws the picture and loses a little. Undo branches off earlier.
        </p>
      )}
    </div>
  );
}
