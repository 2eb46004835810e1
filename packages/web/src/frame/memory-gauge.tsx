import { formatBytes } from '../lib/format.js';
import type { MemoryFeed } from '../state/memory-feed.js';

/** KV memory in one line, on every page: what is held, against the budget. */
export function MemoryGauge({ feed }: { readonly feed: MemoryFeed }) {
  const { snapshot } = feed;
  if (snapshot === undefined) return null;
  const share = (bytes: number) => `${Math.min(100, (100 * bytes) / Math.max(1, snapshot.budgetBytes))}%`;
  return (
    <div className="gauge">
      <p>
        <span>KV memory</span>
        <b>{formatBytes(snapshot.committedBytes)}</b>
      </p>
      <div className="gauge-track" aria-hidden="true">
        <i className="gauge-committed" style={{ width: share(snapshot.committedBytes) }} />
        <i className="gauge-needed" style={{ width: share(snapshot.neededBytes) }} />
      </div>
      <p className="gauge-note">of {formatBytes(snapshot.budgetBytes)} budget</p>
    </div>
  );
}
