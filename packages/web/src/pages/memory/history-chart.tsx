import { useEffect, useState } from 'react';
import { formatBytes } from '../../lib/format.js';
import { HISTORY_MS, type MemorySample } from '../../state/memory-feed.js';

const WIDTH = 300;
const HEIGHT = 96;

/** Needed (filled), committed (line) and resident (dotted) over the last two minutes. */
export function HistoryChart({ history }: { readonly history: readonly MemorySample[] }) {
  const nowMs = useNow(1000);
  const last = history.at(-1);
  if (last === undefined) return null;
  const peak = history.reduce(
    (most, sample) => Math.max(most, sample.committedBytes, sample.residentBytes),
    1,
  );
  const endMs = Math.max(nowMs, last.atMs);
  const x = (atMs: number) => round(Math.max(0, WIDTH * (1 - (endMs - atMs) / HISTORY_MS)));
  const y = (bytes: number) => round(HEIGHT - 2 - (HEIGHT - 8) * (bytes / Math.max(1, peak)));
  // The server speaks only when something changed, so a value holds until the next sample: steps, up to now.
  const line = (read: (sample: MemorySample) => number) => {
    const steps = history.map((sample) => `${x(sample.atMs)}V${y(read(sample))}`);
    return `M${x(history[0]!.atMs)} ${y(read(history[0]!))}H${steps.join('H')}H${WIDTH}`;
  };
  const needed = line((sample) => sample.neededBytes);
  return (
    <figure className="history">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Peak ${formatBytes(peak)}, now ${formatBytes(last.committedBytes)} committed and ${formatBytes(last.neededBytes)} needed`}
      >
        <path className="history-needed" d={`${needed}V${HEIGHT}H${x(history[0]!.atMs)}Z`} />
        <path className="history-committed" d={line((sample) => sample.committedBytes)} />
        <path className="history-resident" d={line((sample) => sample.residentBytes)} />
      </svg>
      <figcaption>
        <ul className="legend">
          <li className="key-needed">needed</li>
          <li className="key-committed">committed</li>
          <li className="key-resident">resident</li>
        </ul>
        <span>peak {formatBytes(peak)}</span>
      </figcaption>
    </figure>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The clock of the samples, read once per `everyMs`. */
function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
