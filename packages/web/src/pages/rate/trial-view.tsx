import { useEffect, useRef, useState } from 'react';
import type { GivenRating, RatingProtocolBody, RatingStateBody } from '../../api/people.js';
import { usePageKeys } from '../../ui/hooks.js';
import { Picture } from '../../ui/picture.js';

export interface TrialViewProps {
  readonly info: RatingProtocolBody;
  readonly position: RatingStateBody;
  readonly trial: NonNullable<RatingStateBody['trial']>;
  readonly busy: boolean;
  readonly onRate: (rating: GivenRating) => void;
  readonly onUndo: () => void;
}

/** One output with its source and instruction. Mounted anew for every trial. */
export function TrialView({ info, position, trial, busy, onRate, onUndo }: TrialViewProps) {
  const [loaded, setLoaded] = useState({ source: false, output: false });
  const [comment, setComment] = useState(position.undone?.comment ?? '');
  const shownAt = useRef<number>(undefined);
  const commentField = useRef<HTMLInputElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  // What cannot be seen yet must not be rated.
  const isReady = loaded.source && loaded.output && !busy;
  const see = (which: 'source' | 'output') => {
    shownAt.current = performance.now();
    setLoaded((before) => ({ ...before, [which]: true }));
  };
  const rate = (score: number) => {
    if (!isReady) return;
    const milliseconds = performance.now() - (shownAt.current ?? performance.now());
    onRate({ trial: trial.id, score, comment, milliseconds });
  };
  // The button that was pressed is gone with its trial: Tab goes on from here, not from the top of the page.
  useEffect(() => {
    if (document.activeElement === document.body) stage.current?.focus({ preventScroll: true });
  }, []);
  usePageKeys(true, (key) => {
    const level = info.levels[Number(key) - 1];
    if (level !== undefined) rate(level.score);
    else if (key === 'u') onUndo();
    else if (key === 'c') commentField.current?.focus();
    else return false;
    return true;
  });
  return (
    <div className="trial" ref={stage} tabIndex={-1}>
      <p className="instruction" role="status">
        {trial.instruction}
      </p>
      <div className="pair">
        <Picture src={`api/rate/trials/${trial.id}/source`} label="Before" onLoad={() => see('source')} />
        <Picture src={`api/rate/trials/${trial.id}/output`} label="After" onLoad={() => see('output')} />
      </div>
      <fieldset className="scores" disabled={!isReady}>
        <legend>{info.question}</legend>
        {info.levels.map(({ score, label, meaning }, index) => (
          <button
            key={score}
            type="button"
            className="score-button"
            data-score={score}
            aria-pressed={position.undone?.score === score}
            title={meaning}
            onClick={() => rate(score)}
          >
            <b>{score}</b>
            <span>{label}</span>
            <kbd className="keys">{index + 1}</kbd>
          </button>
        ))}
      </fieldset>
      <div className="trial-foot">
        <label className="comment">
          <span>Comment</span>
          <input
            ref={commentField}
            type="text"
            maxLength={1000}
            placeholder="optional"
            value={comment}
            onChange={(event) => setComment(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' && event.key !== 'Escape') return;
              event.preventDefault();
              event.currentTarget.blur();
            }}
          />
        </label>
        <p className="help keys">
          <kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd> rate <kbd>C</kbd> comment <kbd>U</kbd> undo
        </p>
      </div>
    </div>
  );
}
