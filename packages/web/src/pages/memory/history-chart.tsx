import { formatBytes } from '../../lib/format.js';
import { HISTORY_MS, type MemorySample } from '../../state/memory-feed.js';

const WIDTH = 300;
const HEIGHT = 96;

/** Needed (filled), committed (line) and resident (dashed) over the last two minutes. */
export function HistoryChart({ history }: { readonly history: readonly MemorySample[] }) {
  const last = history.at(-1);
  if (last === undefined) return null;
  const peak = history.reduce(
    (most, sample) => Math.max(most, sample.committedBytes, sample.residentBytes),
    1,
  );
  const x = (sample: MemorySample) => round(WIDTH * (1 - (last.atMs - sample.atMs) / HISTORY_MS));
  const y = (bytes: number) => round(HEIGHT - 2 - (HEIGHT - 8) * (bytes / peak));
  const line = (read: (sample: MemorySample) => number) =>
    history.map((sample, index) => `${index === 0 ? 'M' : 'L'}${x(sample)} ${y(read(sample))}`).join('');
  const needed = line((sample) => sample.neededBytes);
  return (
    <figure className="history">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Peak ${formatBytes(peak)}, now ${formatBytes(last.committedBytes)} committed and ${formatBytes(last.neededBytes)} needed`}
      >
        <path className="history-needed" d={`${needed}V${HEIGHT}H${x(history[0]!)}Z`} />
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
