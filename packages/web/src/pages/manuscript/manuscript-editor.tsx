import type { Ref } from 'react';
import { type Manuscript, manuscriptText } from '../../state/manuscript.js';

export interface ManuscriptEditorProps {
  readonly ref: Ref<HTMLTextAreaElement>;
  readonly state: Manuscript;
  readonly locked: boolean;
  readonly onEdit: (text: string) => void;
  readonly onContinue: () => void;
}

/**
 * A plain text area over a copy of the same text that carries the tints. The copy also gives the box its height.
 * Both must wrap alike, so they share one set of font rules in manuscript.css.
 */
export function ManuscriptEditor({ ref, state, locked, onEdit, onContinue }: ManuscriptEditorProps) {
  let at = 0;
  return (
    <div className="editor" data-locked={locked}>
      <div className="editor-text editor-tints" aria-hidden="true">
        {state.spans.map((span) => {
          const key = at;
          at += span.text.length;
          return span.author === 'model' ? (
            <mark key={key}>{span.text}</mark>
          ) : (
            <span key={key}>{span.text}</span>
          );
        })}
        {locked && <i className="caret" />}
        {/* A line end at the very end takes no room without something after it. */}
        {'\u200b'}
      </div>
      <textarea
        ref={ref}
        className="editor-text"
        aria-label="Text to continue"
        placeholder="Write a beginning…"
        spellCheck={false}
        readOnly={locked}
        value={manuscriptText(state)}
        onChange={(event) => onEdit(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          onContinue();
        }}
      />
    </div>
  );
}
