import { formatDuration, formatInteger, formatRate } from '../lib/format.js';
import { type Run, runFigures } from '../state/run.js';

/** Speed and size of a run in one line; live while it runs. */
export function RunStatus({ run }: { readonly run: Run }) {
  const { tokens, exact, firstTokenMs, tokensPerSecond } = runFigures(run);
  if (run.status === 'waiting') return <span className="figures">Reading the prompt…</span>;
  return (
    <span className="figures">
      {tokensPerSecond !== undefined && <b>{formatRate(tokensPerSecond)}</b>}
      {firstTokenMs !== undefined && <span>first token {formatDuration(firstTokenMs)}</span>}
      <span>
        {!exact && tokens > 0 ? '≈ ' : ''}
        {formatInteger(tokens)} {tokens === 1 ? 'token' : 'tokens'}
      </span>
      {run.status === 'stopped' && <span>stopped</span>}
      {run.status === 'done' && run.reason === 'length' && <span>reached the token limit</span>}
    </span>
  );
}

/** What a screen reader is told: that text is coming, and how it ended. The text itself is not read out piecemeal. */
export function RunAnnouncement({ run }: { readonly run: Run | undefined }) {
  return (
    <p className="visually-hidden" role="status">
      {run === undefined ? '' : announce(run)}
    </p>
  );
}

function announce(run: Run): string {
  switch (run.status) {
    case 'waiting':
    case 'streaming':
      return 'The model is writing. Escape stops it.';
    case 'done':
      return `Finished: ${runFigures(run).tokens} tokens.`;
    case 'stopped':
      return 'Stopped.';
    case 'error':
      return `Failed: ${run.error?.message ?? ''}`;
  }
}
