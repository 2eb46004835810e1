import { type ReactNode, useState } from 'react';
import type { RatingProtocolBody, RatingStateBody } from '../../api/people.js';
import { ErrorCard } from '../../ui/error-card.js';
import { Icon } from '../../ui/icon.js';
import { NameForm } from '../../ui/name-form.js';
import { WorkProgress } from '../../ui/work-progress.js';
import { Training } from './training.js';
import { TrialView } from './trial-view.js';
import { useRating } from './use-rating.js';

export interface RatePageProps {
  readonly apiKey: string;
  readonly onOpenSettings: () => void;
}

/** Rating edits: who, how (with examples), and then one output after the other. */
export function RatePage({ apiKey, onOpenSettings }: RatePageProps) {
  const { desk, api, state } = useRating(apiKey);
  const { phase, info, position, busy, error } = state;
  // Whoever comes back has read it.
  const [hasRead, setHasRead] = useState<boolean>();
  const isTraining = position !== undefined && !(hasRead ?? position.done > 0);
  const isRating = phase === 'working' && !isTraining;
  return (
    <section className="panel people" aria-label="Rate edits">
      <div className="panel-head">
        <h1>Rate edits</h1>
        {position !== undefined && isRating && <WorkProgress done={position.done} total={position.total} />}
        <div className="panel-tools">
          {isRating && (
            <>
              <button
                type="button"
                className="button"
                disabled={busy || position?.done === 0}
                onClick={() => void desk.undo()}
              >
                <Icon name="undo" />
                Undo
              </button>
              <button type="button" className="button" onClick={() => setHasRead(false)}>
                <span className="wide-only">How to rate</span>
                <span className="narrow-only">Help</span>
              </button>
            </>
          )}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section className="people-scroll" aria-label="Rating" tabIndex={0}>
        <div className="people-content">
          {error !== undefined && (
            <ErrorCard
              error={error}
              title="That did not work"
              onRetry={() => void desk.open()}
              onOpenSettings={onOpenSettings}
            />
          )}
          {phase === 'joining' && info !== undefined && (
            <Welcome info={info}>
              <NameForm
                busy={busy}
                taken={state.taken}
                onJoin={(name, resume) => void desk.join(name, resume)}
              />
            </Welcome>
          )}
          {isTraining && info !== undefined && (
            <Training info={info} isBegun={position.done > 0} onBegin={() => setHasRead(true)} />
          )}
          {isRating && info !== undefined && position?.trial !== undefined && (
            <TrialView
              key={position.trial.id}
              info={info}
              position={position}
              trial={position.trial}
              busy={busy}
              onRate={(rating) => void desk.act((token) => api.rate(token, rating))}
              onUndo={() => void desk.undo()}
            />
          )}
          {isRating && position !== undefined && position.trial === undefined && (
            <Finished position={position} onLeave={() => desk.leave()} />
          )}
        </div>
      </section>
    </section>
  );
}

function Welcome({ info, children }: { readonly info: RatingProtocolBody; readonly children: ReactNode }) {
  return (
    <div className="welcome">
      <h2 className="headline">{info.question}</h2>
      <p className="lede">
        You will see {info.trials} edited pictures, one at a time, each with the picture before and the
        instruction. Which program made it is not shown. You can stop at any time and go on later.
      </p>
      {children}
    </div>
  );
}

function Finished({
  position,
  onLeave,
}: {
  readonly position: RatingStateBody;
  readonly onLeave: () => void;
}) {
  return (
    <div className="welcome">
      <h2 className="headline">That was all. Thank you, {position.name}.</h2>
      <p className="lede">
        All {position.total} ratings are kept. Undo takes the last one back, should you want to change it.
      </p>
      <button type="button" className="button" onClick={onLeave}>
        Somebody else rates
      </button>
    </div>
  );
}
