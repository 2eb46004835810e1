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

/** A bar over any work: a share from 0 to 1 and words beside it. */
export interface ShareProgress {
  update(share: number, text: string): void;
  /** Removes the bar. */
  end(): void;
}

const redrawMs = 50;
const barWidth = 24;

/** Progress of loading. Draws nothing when `stream` is no terminal or `quiet` is set. */
export function startProgress(
  stream: Writable & TerminalStream,
  label: string,
  quiet: boolean,
  now: () => number = () => performance.now(),
): Progress {
  const bar = startShareProgress(stream, label, quiet, now);
  return {
    update: ({ loadedBytes, totalBytes }) =>
      bar.update(totalBytes > 0 ? loadedBytes / totalBytes : 0, `of ${formatBytes(totalBytes)}`),
    end: () => bar.end(),
  };
}

/** Draws nothing when `stream` is no terminal or `quiet` is set. */
export function startShareProgress(
  stream: Writable & TerminalStream,
  label: string,
  quiet: boolean,
  now: () => number = () => performance.now(),
): ShareProgress {
  if (stream.isTTY !== true || quiet) return { update: () => undefined, end: () => undefined };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update: (share, text) => {
      if (share < 1 && now() - drawnAt < redrawMs) return;
      drawnAt = now();
      // Some terminals report 0 columns when they do not know.
      const width = Math.max(20, stream.columns || 80);
      stream.write(`\r\u001b[K${draw(label, Math.min(1, share), text).slice(0, width - 1)}`);
    },
    end: () => {
      stream.write('\r\u001b[K');
    },
  };
}

function draw(label: string, share: number, text: string): string {
  const full = Math.round(share * barWidth);
  const bar = `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${label} ${bar} ${percent} % ${text}`;
}
