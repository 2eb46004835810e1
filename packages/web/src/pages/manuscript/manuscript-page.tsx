import type { EngineInfo } from '@triptych/llm';
import { useCallback, useRef } from 'react';
import { formatInteger } from '../../lib/format.js';
import { manuscriptText } from '../../state/manuscript.js';
import type { ManuscriptController } from '../../state/manuscript-controller.js';
import { isActive } from '../../state/run.js';
import { CopyButton } from '../../ui/copy-button.js';
import { ErrorCard } from '../../ui/error-card.js';
import { useEscape, useFollow, useStore } from '../../ui/hooks.js';
import { Icon } from '../../ui/icon.js';
import { RunAnnouncement, RunStatus } from '../../ui/run-status.js';
import { SHEET_TOGGLE_ID } from '../../ui/sheet.js';
import { ManuscriptEditor } from './manuscript-editor.js';

export interface ManuscriptPageProps {
  readonly info: EngineInfo;
  readonly manuscript: ManuscriptController;
  readonly sheetOpen: boolean;
  readonly onToggleSheet: () => void;
  readonly onOpenSettings: () => void;
}

const OPENINGS = [
  'It was late in the autumn when the letter came, and',
  'There was once a clockmaker who',
  'The captain looked at the sky for a long time before he said,',
];

/** A text that the model continues: what a model without a chat template can do. */
export function ManuscriptPage({
  info,
  manuscript,
  sheetOpen,
  onToggleSheet,
  onOpenSettings,
}: ManuscriptPageProps) {
  const state = useStore(manuscript.store);
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const editor = useRef<HTMLTextAreaElement>(null);
  const { following, jump } = useFollow(scroller, content);
  const running = isActive(state.run);
  const text = manuscriptText(state);

  const stop = useCallback(() => manuscript.stop(), [manuscript]);
  useEscape(running, stop);
  const go = () => {
    void manuscript.continue(info.contextLength);
    jump();
    editor.current?.focus();
  };
  return (
    <section className="panel manuscript" aria-label="Continue a text">
      <div className="panel-head">
        <h1>{info.name}</h1>
        <div className="panel-tools">
          {text !== '' && <CopyButton text={text} />}
          <button
            type="button"
            className="button"
            disabled={text === ''}
            onClick={() => {
              manuscript.clear();
              editor.current?.focus();
            }}
          >
            <Icon name="plus" />
            <span className="wide-only">New text</span>
            <span className="narrow-only">New</span>
          </button>
          <button
            id={SHEET_TOGGLE_ID}
            type="button"
            className="button"
            aria-expanded={sheetOpen}
            onClick={onToggleSheet}
          >
            <Icon name="sliders" />
            Sampling
          </button>
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section ref={scroller} className="chat-scroll" aria-label="Manuscript" tabIndex={0}>
        <div ref={content} className="sheet-of-paper">
          <p className="notice">
            This model has no chat template: it does not answer questions, it continues a text. Write a
            beginning and let it go on; <mark>what it writes is tinted</mark>, and everything stays editable.
          </p>
          <ManuscriptEditor
            ref={editor}
            state={state}
            locked={running}
            onEdit={(value) => manuscript.edit(value)}
            onContinue={go}
          />
          {text === '' && (
            <ul className="openings" aria-label="Beginnings">
              {OPENINGS.map((opening) => (
                <li key={opening}>
                  <button
                    type="button"
                    onClick={() => {
                      manuscript.edit(opening);
                      editor.current?.focus();
                    }}
                  >
                    {opening}…
                  </button>
                </li>
              ))}
            </ul>
          )}
          {state.unseen > 0 && (
            <p className="help" role="note">
              The model&rsquo;s context holds {formatInteger(info.contextLength)} tokens, so it continued from
              the last {formatInteger(text.length - state.unseen)} characters; the beginning was out of its
              sight.
            </p>
          )}
          {state.run?.error !== undefined && (
            <ErrorCard
              error={state.run.error}
              title="The text was not continued"
              onRetry={go}
              onOpenSettings={onOpenSettings}
            />
          )}
        </div>
      </section>
      <div className="chat-foot">
        {!following && (
          <button
            type="button"
            className="button jump"
            onClick={() => {
              jump();
              editor.current?.focus({ preventScroll: true });
            }}
          >
            <Icon name="down" />
            Jump to latest
          </button>
        )}
        <div className="manuscript-tools">
          <button
            type="button"
            className="button button-primary button-large"
            disabled={!running && text === ''}
            onClick={running ? stop : go}
          >
            <Icon name={running ? 'stop' : 'write'} />
            {running ? 'Stop' : 'Continue'}
          </button>
          <button
            type="button"
            className="button button-large"
            disabled={running || state.before.length === 0}
            onClick={() => manuscript.undo()}
          >
            <Icon name="undo" />
            Undo
          </button>
          <p className="chat-hint">
            {state.run !== undefined && state.run.status !== 'error' ? (
              <RunStatus run={state.run} />
            ) : (
              <span className="keys">
                <kbd>Ctrl</kbd>+<kbd>Enter</kbd> continues <kbd>Esc</kbd> stops
              </span>
            )}
          </p>
        </div>
      </div>
      <RunAnnouncement run={state.run} />
    </section>
  );
}
