import { formatInteger } from '../lib/format.js';

/** How much of one's work is done, as a bar with numbers. */
export function WorkProgress({ done, total }: { readonly done: number; readonly total: number }) {
  return (
    <div className="work-progress">
      <progress value={done} max={Math.max(1, total)} aria-label="Done" />
      <span className="figures">
        {formatInteger(done)} of {formatInteger(total)}
      </span>
    </div>
  );
}
