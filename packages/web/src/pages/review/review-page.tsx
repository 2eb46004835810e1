import { type ReactNode, useState } from 'react';
import type { ReviewInfoBody, ReviewStateBody } from '../../api/people.js';
import { formatInteger, plural } from '../../lib/format.js';
import { ErrorCard } from '../../ui/error-card.js';
import { Icon } from '../../ui/icon.js';
import { NameForm } from '../../ui/name-form.js';
import { WorkProgress } from '../../ui/work-progress.js';
import { CandidateView } from './candidate-view.js';
import type { PairView } from './pair-pictures.js';
import { useReview } from './use-review.js';

export interface ReviewPageProps {
  readonly apiKey: string;
  readonly onOpenSettings: () => void;
}

/** Reviewing candidate pairs: who, and then one pair after the other. */
export function ReviewPage({ apiKey, onOpenSettings }: ReviewPageProps) {
  const { desk, api, state } = useReview(apiKey);
  const { phase, info, position, busy, error } = state;
  // Kept over candidates: who looks for camera motion looks for it in all of them.
  const [view, setView] = useState<PairView>('side');
  const candidate = position?.candidate;
  return (
    <section className="panel people" aria-label="Review pairs">
      <div className="panel-head">
        <h1>Review pairs</h1>
        {position !== undefined && (
          <WorkProgress done={position.decided} total={position.decided + position.left} />
        )}
        <div className="panel-tools">
          {position !== undefined && (
            <>
              <span className="figures wide-only">{formatInteger(position.accepted)} accepted</span>
              <button
                type="button"
                className="button"
                disabled={busy || position.decided === 0}
                onClick={() => void desk.undo()}
              >
                <Icon name="undo" />
                Undo
              </button>
            </>
          )}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section className="people-scroll" aria-label="Reviewing" tabIndex={0}>
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
          {position !== undefined && info !== undefined && candidate !== undefined && (
            <CandidateView
              key={candidate.id}
              info={info}
              candidate={candidate}
              undone={position.undone}
              busy={busy}
              view={view}
              onView={setView}
              onDecide={(decision) => void desk.act((token) => api.decide(token, decision))}
              onLater={() => void desk.act((token) => api.position(token, candidate.id))}
              onUndo={() => void desk.undo()}
            />
          )}
          {phase === 'working' && position !== undefined && candidate === undefined && (
            <Finished position={position} onLeave={() => desk.leave()} />
          )}
        </div>
      </section>
    </section>
  );
}

function Welcome({ info, children }: { readonly info: ReviewInfoBody; readonly children: ReactNode }) {
  return (
    <div className="welcome">
      <h2 className="headline">Which pairs show exactly one change that can be put into words?</h2>
      <p className="lede">
        {plural(info.candidates, 'pair')} of video frames were found. Accept a pair when one thing changed,
        the camera stood still, and one sentence tells the change; write or correct that sentence. Reject the
        rest.
      </p>
      {children}
    </div>
  );
}

function Finished({
  position,
  onLeave,
}: {
  readonly position: ReviewStateBody;
  readonly onLeave: () => void;
}) {
  return (
    <div className="welcome">
      <h2 className="headline">Nothing is left to review, {position.name}.</h2>
      <p className="lede">
        You decided {plural(position.decided, 'pair')} and accepted {formatInteger(position.accepted)}. The
        command <code>triptych aurora review</code> with <code>--export</code> writes the accepted ones as a
        data set.
      </p>
      <button type="button" className="button" onClick={onLeave}>
        Somebody else reviews
      </button>
    </div>
  );
}
