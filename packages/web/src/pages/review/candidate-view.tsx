import { useCallback, useEffect, useRef, useState } from 'react';
import type { GivenDecision, ReviewInfoBody, ReviewStateBody } from '../../api/people.js';
import { usePageKeys } from '../../ui/hooks.js';
import { PairPictures, type PairView, pairViews } from './pair-pictures.js';

export interface CandidateViewProps {
  readonly info: ReviewInfoBody;
  readonly candidate: NonNullable<ReviewStateBody['candidate']>;
  readonly undone: ReviewStateBody['undone'];
  readonly busy: boolean;
  readonly view: PairView;
  readonly onView: (view: PairView) => void;
  readonly onDecide: (decision: GivenDecision) => void;
  readonly onLater: () => void;
  readonly onUndo: () => void;
}

/** One pair with its instruction and what can be decided about it. Mounted anew for every candidate. */
export function CandidateView(props: CandidateViewProps) {
  const { info, candidate, undone, busy, view, onView, onDecide, onLater, onUndo } = props;
  const [instruction, setInstruction] = useState(undone?.instruction ?? candidate.instruction ?? '');
  const [isMissing, setMissing] = useState(false);
  // What was not seen must not be decided: keys come fast.
  const [isSeen, setSeen] = useState(false);
  const markSeen = useCallback(() => setSeen(true), []);
  const isBusy = busy || !isSeen;
  const field = useRef<HTMLTextAreaElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) stage.current?.focus({ preventScroll: true });
  }, []);
  const accept = () => {
    if (isBusy) return;
    if (instruction.trim() === '') {
      setMissing(true);
      field.current?.focus();
      return;
    }
    onDecide({ candidate: candidate.id, verdict: 'accept', instruction });
  };
  const reject = (reason: string) => {
    if (!isBusy) onDecide({ candidate: candidate.id, verdict: 'reject', reason });
  };
  usePageKeys(true, (key) => {
    const reason = info.reasons[Number(key) - 1];
    const chosen = pairViews.find((one) => one.key === key);
    if (reason !== undefined) reject(reason.id);
    else if (chosen !== undefined) onView(chosen.id);
    else if (key === 'a') accept();
    else if (key === 'n') onLater();
    else if (key === 'u') onUndo();
    else if (key === 'e') {
      field.current?.focus();
      field.current?.select();
    } else return false;
    return true;
  });
  return (
    <div className="candidate" ref={stage} tabIndex={-1}>
      <div className="candidate-head">
        <p className="help">
          {candidate.clip} · {seconds(candidate.firstSeconds)} to {seconds(candidate.lastSeconds)}
          {candidate.remarks.map((remark) => ` · ${remark}`)}
        </p>
        <fieldset className="segments">
          <legend className="visually-hidden">View</legend>
          {pairViews.map(({ id, label, key }) => (
            <label key={id}>
              <input type="radio" name="view" checked={view === id} onChange={() => onView(id)} />
              <span>
                {label} <kbd className="keys">{key.toUpperCase()}</kbd>
              </span>
            </label>
          ))}
        </fieldset>
      </div>
      <PairPictures
        id={candidate.id}
        width={candidate.width}
        height={candidate.height}
        view={view}
        onSettled={markSeen}
      />
      <div className="candidate-decision">
        <div className="field">
          <label htmlFor="instruction">What changes, as an instruction</label>
          <textarea
            id="instruction"
            ref={field}
            rows={2}
            maxLength={500}
            value={instruction}
            placeholder="Move the cup to the left."
            aria-invalid={isMissing && instruction.trim() === ''}
            aria-describedby="instruction-help"
            onChange={(event) => setInstruction(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') event.currentTarget.blur();
              else if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
                event.preventDefault();
                accept();
              }
            }}
          />
          <p id="instruction-help" className="help">
            {isMissing && instruction.trim() === ''
              ? 'An accepted pair needs an instruction.'
              : candidate.caption === undefined
                ? 'One sentence that tells the change and nothing else.'
                : `The clip’s caption: ${candidate.caption}`}
          </p>
        </div>
        <button
          type="button"
          className="button button-primary button-large"
          disabled={isBusy}
          aria-pressed={undone?.verdict === 'accept'}
          onClick={accept}
        >
          Accept <kbd className="keys">A</kbd>
        </button>
        <fieldset className="reasons" disabled={isBusy}>
          <legend>Reject, because</legend>
          {info.reasons.map(({ id, label }, index) => (
            <button
              key={id}
              type="button"
              className="button"
              aria-pressed={undone?.reason === id}
              onClick={() => reject(id)}
            >
              <kbd className="keys">{index + 1}</kbd> {label}
            </button>
          ))}
          <button type="button" className="quiet-button" onClick={onLater}>
            <kbd className="keys">N</kbd> Decide later
          </button>
        </fieldset>
      </div>
      <p className="help keys">
        <kbd>E</kbd> edit the instruction, there <kbd>Enter</kbd> accepts and <kbd>Esc</kbd> leaves ·{' '}
        <kbd>U</kbd> undo
      </p>
    </div>
  );
}

function seconds(value: number): string {
  return `${value.toFixed(1)}\u202fs`;
}
