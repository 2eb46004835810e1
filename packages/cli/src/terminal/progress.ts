/**
 * @module
 * A one-line progress bar on standard error. Only for terminals: logs and pipes stay clean.
 */
import type { Writable } from 'node:stream';
import type { LoadProgress } from '@triptych/llm';
import { formatBytes } from './format.js';
import type { TerminalStream } from './stream.js';

export interface Progress {
  update(progress: LoadProgress): void;
  /** Removes the bar. */
  end(): void;
}

const redrawMs = 50;
const barWidth = 24;

/** Draws nothing when `stream` is no terminal or `quiet` is set. */
export function startProgress(
  stream: Writable & TerminalStream,
  label: string,
  quiet: boolean,
  now: () => number = () => performance.now(),
): Progress {
  if (stream.isTTY !== true || quiet) return { update: () => undefined, end: () => undefined };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update: (progress) => {
      const isLast = progress.loadedBytes >= progress.totalBytes;
      if (!isLast && now() - drawnAt < redrawMs) return;
      drawnAt = now();
      // Some terminals report 0 columns when they do not know.
      const width = Math.max(20, stream.columns || 80);
      stream.write(`\r\u001b[K${draw(label, progress).slice(0, width - 1)}`);
    },
    end: () => {
      stream.write('\r\u001b[K');
    },
  };
}

function draw(label: string, { loadedBytes, totalBytes }: LoadProgress): string {
  const share = totalBytes > 0 ? Math.min(1, loadedBytes / totalBytes) : 0;
  const full = Math.round(share * barWidth);
  const bar = `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${label} ${bar} ${percent} % of ${formatBytes(totalBytes)}`;
}
