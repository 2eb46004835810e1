import { formatEta } from '../../lib/format.js';
import { type EditRun, runFigures } from '../../state/edit-run.js';

/** How far a run is, and how long it takes still. */
export function RunBar({ run }: { readonly run: EditRun }) {
  const { share, etaSeconds, done, total } = runFigures(run);
  const current = run.cells.find((cell) => cell.status === 'running');
  const steps =
    current === undefined || current.steps === 0
      ? 'Getting ready…'
      : `Step ${current.step} of ${current.steps}`;
  return (
    <div className="run-bar">
      <progress value={share} max={1} aria-label="Progress of the edit" />
      <p className="figures">
        {total > 1 && (
          <b>
            Picture {Math.min(done + 1, total)} of {total}
          </b>
        )}
        <span>{steps}</span>
        {etaSeconds !== undefined && <span>{formatEta(etaSeconds)}</span>}
      </p>
    </div>
  );
}

/** What a screen reader is told of a run; the steps are not read out one by one. */
export function RunAnnouncement({ run }: { readonly run: EditRun | undefined }) {
  return (
    <p className="visually-hidden" role="status">
      {run === undefined ? '' : announce(run)}
    </p>
  );
}

function announce(run: EditRun): string {
  const { running, done, total, error } = runFigures(run);
  if (running) {
    return total === 1 ? 'Editing. Escape cancels.' : `Picture ${done + 1} of ${total}. Escape cancels.`;
  }
  if (error !== undefined) return `Failed: ${error.message}`;
  return done === total ? 'Finished.' : 'Cancelled.';
}
