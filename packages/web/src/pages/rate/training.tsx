import type { RatingProtocolBody } from '../../api/people.js';

export interface TrainingProps {
  readonly info: RatingProtocolBody;
  /** The rater comes back from rating to read again. */
  readonly isBegun: boolean;
  readonly onBegin: () => void;
}

/** What the scores mean, with examples that are rated already. */
export function Training({ info, isBegun, onBegin }: TrainingProps) {
  return (
    <div className="training">
      <h2 className="headline">{info.question}</h2>
      <dl className="levels">
        {info.levels.map(({ score, label, meaning }, index) => (
          <div key={score} className="level" data-score={score}>
            <dt>
              <b>{score}</b> {label} <kbd className="keys">{index + 1}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <ul className="rules">
        {info.rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
      <h3>Examples: “{info.examples[0]?.instruction}”</h3>
      <ol className="examples">
        {info.examples.map(({ score, reason }, index) => (
          <li key={reason} data-score={score}>
            <div className="example-pictures">
              <img src={`api/rate/examples/${index}/source`} alt="Before" width={192} height={192} />
              <img
                src={`api/rate/examples/${index}/output`}
                alt={`After. ${reason}`}
                width={192}
                height={192}
              />
            </div>
            <p>
              <b className="score">{score}</b> {reason}
            </p>
          </li>
        ))}
      </ol>
      <div className="training-foot">
        <button
          type="button"
          className="button button-primary button-large"
          // biome-ignore lint/a11y/noAutofocus: reading on and Enter is all there is to do
          autoFocus
          onClick={onBegin}
        >
          {isBegun ? 'Back to rating' : 'Start rating'}
        </button>
      </div>
    </div>
  );
}
