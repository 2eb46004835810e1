import { useCallback, useEffect, useRef, useState } from 'react';
import { formatPercent } from '../../lib/format.js';
import type { EditController } from '../../state/edit-controller.js';
import { runFigures } from '../../state/edit-run.js';
import { activeRun, currentModel, type EditState } from '../../state/edit-state.js';
import { findNode, selectedNode, suggestionsFor, variationSource } from '../../state/edit-tree.js';
import { ErrorCard } from '../../ui/error-card.js';
import { useEscape, useStore } from '../../ui/hooks.js';
import { Icon } from '../../ui/icon.js';
import { SHEET_TOGGLE_ID } from '../../ui/sheet.js';
import { EditSettingsSheet } from './edit-settings-sheet.js';
import { HistoryTree } from './history-tree.js';
import { InstructionBar, type InstructionBarHandle } from './instruction-bar.js';
import { NoModel } from './no-model.js';
import { RunAnnouncement, RunBar } from './run-bar.js';
import { SheetView } from './sheet-view.js';
import { Stage } from './stage.js';
import { StartView } from './start-view.js';
import { useIncoming } from './use-incoming.js';
import { VariationsDialog } from './variations-dialog.js';

export interface EditPageProps {
  readonly edit: EditController;
  /** 'shown' is open from the start, where there is room; 'opened' is open because the user said so. */
  readonly sheet: 'closed' | 'shown' | 'opened';
  readonly onToggleSheet: () => void;
  readonly onCloseSheet: () => void;
  readonly onOpenSettings: () => void;
}

/** Pictures changed in words. The state lives in the controller, so another page does not end an edit. */
export function EditPage(props: EditPageProps) {
  const { edit, sheet, onToggleSheet, onCloseSheet, onOpenSettings } = props;
  const state = useStore(edit.store);
  const model = currentModel(state);
  const active = activeRun(state);
  const node = selectedNode(state.tree);
  const instruction = useRef<InstructionBarHandle>(null);
  const [variations, setVariations] = useState<'grid' | 'seeds'>();
  const onFile = useCallback((file: File) => void edit.openFile(file, file.name), [edit]);
  const { dragging } = useIncoming(onFile);
  const cancel = useCallback(() => edit.cancel(), [edit]);
  useEscape(active !== undefined, cancel);
  useEscape(active === undefined && state.masking, () => edit.setMasking(false));
  const focusInstruction = () => instruction.current?.focus();
  const id = node?.id;
  useEffect(() => {
    // Only a focus that was lost with a vanished button is given a place: whoever walks the history stays there.
    // On a touch screen it would raise the keyboard over half the page.
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (id !== undefined && lost && matchMedia('(hover: hover)').matches) instruction.current?.focus();
  }, [id]);

  return (
    <>
      <section className="panel edit" aria-label="Edit pictures" data-dragging={dragging ? '' : undefined}>
        <div className="panel-head">
          <h1 title={model?.description}>{model?.id ?? 'Edit'}</h1>
          {model !== undefined && (
            <div className="panel-tools">
              <button
                type="button"
                className="button"
                disabled={node === undefined}
                onClick={() => edit.home()}
              >
                <Icon name="plus" />
                <span className="wide-only">New picture</span>
                <span className="narrow-only">New</span>
              </button>
              <button
                id={SHEET_TOGGLE_ID}
                type="button"
                className="button"
                aria-expanded={sheet !== 'closed'}
                onClick={onToggleSheet}
              >
                <Icon name="sliders" />
                Settings
              </button>
            </div>
          )}
        </div>
        {model === undefined ? (
          <Without state={state} edit={edit} onOpenSettings={onOpenSettings} />
        ) : (
          <>
            <div className="edit-body" data-history={state.tree.nodes.length > 0 ? '' : undefined}>
              {state.tree.nodes.length > 0 && (
                <HistoryTree
                  tree={state.tree}
                  onSelect={(selected) => edit.select(selected)}
                  onRemove={(removed) => edit.remove(removed)}
                />
              )}
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
              <section className="edit-scroll" aria-label="Picture" tabIndex={0}>
                <Notices state={state} edit={edit} onOpenSettings={onOpenSettings} />
                {state.sheetShown && state.sheet !== undefined ? (
                  <SheetView
                    sheet={state.sheet}
                    source={findNode(state.tree, state.sheet.source)}
                    onAdopt={(index) => edit.adopt(index)}
                    onResume={() => void edit.resume()}
                    onClose={() => {
                      edit.showSheet(false);
                      focusInstruction();
                    }}
                    onOpenSettings={onOpenSettings}
                  />
                ) : node === undefined ? (
                  <StartView state={state} edit={edit} onFile={onFile} />
                ) : (
                  <Stage
                    state={state}
                    node={node}
                    edit={edit}
                    onOpenSettings={onOpenSettings}
                    onFocusLost={focusInstruction}
                  />
                )}
              </section>
            </div>
            {node !== undefined && (
              <div className="edit-foot">
                {active !== undefined && <RunBar run={active} />}
                <InstructionBar
                  ref={instruction}
                  text={state.instruction}
                  suggestions={active === undefined && !state.masking ? suggestionsFor(state.tree, node) : []}
                  longest={model.limits.instructionCharacters}
                  running={active !== undefined}
                  onText={(text) => edit.instruct(text)}
                  onEdit={() => void edit.edit()}
                  onCancel={cancel}
                />
                <FootTools
                  state={state}
                  edit={edit}
                  busy={active !== undefined}
                  onVariations={setVariations}
                />
              </div>
            )}
          </>
        )}
        <RunAnnouncement run={active ?? (state.sheetShown ? state.sheet : state.run)} />
      </section>
      {model !== undefined && sheet !== 'closed' && state.models.state === 'ready' && (
        <EditSettingsSheet
          models={state.models.models}
          model={model}
          settings={state.settings}
          onChange={(part) => edit.change(part)}
          takeFocus={sheet === 'opened'}
          onClose={onCloseSheet}
        />
      )}
      {variations !== undefined && model !== undefined && (
        <VariationsDialog
          kind={variations}
          model={model}
          settings={state.settings}
          instruction={state.instruction.trim()}
          source={variationSource(state.tree, state.instruction)}
          onGrid={(text, image) => void edit.grid(text, image)}
          onSeeds={(count, first) => void edit.seeds(count, first)}
          onClose={() => setVariations(undefined)}
        />
      )}
    </>
  );
}

interface PartProps {
  readonly state: EditState;
  readonly edit: EditController;
  readonly onOpenSettings: () => void;
}

/** While no model is known: loading, failed, or none there. */
function Without({ state, edit, onOpenSettings }: PartProps) {
  const { models } = state;
  if (models.state === 'ready') return <NoModel onRetry={() => void edit.connect()} />;
  return (
    <div className="edit-without">
      {models.state === 'loading' ? (
        <p role="status">Asking the server for its image model…</p>
      ) : (
        <ErrorCard
          error={models.error}
          title="The server did not say whether it edits pictures"
          onRetry={() => void edit.connect()}
          onOpenSettings={onOpenSettings}
        />
      )}
    </div>
  );
}

/** What happened to a picture on its way in. */
function Notices({ state, edit, onOpenSettings }: PartProps) {
  const { openError, recalled } = state;
  return (
    <>
      {openError !== undefined && (
        <ErrorCard
          error={openError}
          title="The picture could not be opened"
          onRetry={() => edit.store.dispatch({ type: 'openErrorSeen' })}
          onOpenSettings={onOpenSettings}
        />
      )}
      {recalled !== undefined && (
        <div className="recalled" role="status">
          <p>
            This picture was made here: <q>{recalled.parameters.instruction}</q>
            {recalled.parameters.seed !== undefined && `, seed ${recalled.parameters.seed}`}.
          </p>
          <button type="button" className="button" onClick={() => edit.takeRecalled()}>
            Use its settings
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Dismiss"
            onClick={() => edit.store.dispatch({ type: 'recallSeen' })}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </>
  );
}

interface FootToolsProps {
  readonly state: EditState;
  readonly edit: EditController;
  readonly busy: boolean;
  readonly onVariations: (kind: 'grid' | 'seeds') => void;
}

/** What else can be done with the instruction. */
function FootTools({ state, edit, busy, onVariations }: FootToolsProps) {
  const ready = state.instruction.trim() !== '' && !busy;
  const { sheet, mask } = state;
  const figures = sheet === undefined ? undefined : runFigures(sheet);
  return (
    <div className="foot-tools">
      <button
        type="button"
        className="quiet-button"
        aria-pressed={state.masking}
        disabled={busy}
        onClick={() => edit.setMasking(!state.masking)}
      >
        <Icon name="brush" />
        {mask !== undefined && mask.coverage > 0 ? `Mask: ${formatPercent(mask.coverage)}` : 'Mask'}
      </button>
      <button type="button" className="quiet-button" disabled={!ready} onClick={() => onVariations('grid')}>
        <Icon name="grid" />
        Guidance grid
      </button>
      <button type="button" className="quiet-button" disabled={!ready} onClick={() => onVariations('seeds')}>
        <Icon name="variants" />
        Seeds
      </button>
      {figures !== undefined && !state.sheetShown && (
        <button type="button" className="quiet-button" onClick={() => edit.showSheet(true)}>
          <Icon name="grid" />
          Sheet: {figures.done} of {figures.total}
        </button>
      )}
      <span className="keys">
        <kbd>Enter</kbd> edits <kbd>Esc</kbd> cancels
      </span>
    </div>
  );
}
