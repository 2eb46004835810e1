import type { ModelTurn, Turn } from '../../state/conversation.js';
import { isActive } from '../../state/run.js';
import { CopyButton } from '../../ui/copy-button.js';
import { ErrorCard } from '../../ui/error-card.js';
import { Icon } from '../../ui/icon.js';
import { Markdown } from '../../ui/markdown.js';
import { RunStatus } from '../../ui/run-status.js';

export interface TurnViewProps {
  readonly turn: Turn;
  /** Only the last answer can be made again. */
  readonly latest: boolean;
  readonly onRegenerate: () => void;
  readonly onOpenSettings: () => void;
}

export function TurnView({ turn, latest, onRegenerate, onOpenSettings }: TurnViewProps) {
  if (turn.role === 'user') {
    return (
      <article className="turn turn-user" aria-label="You">
        <p>{turn.text}</p>
      </article>
    );
  }
  const { run, text } = turn;
  return (
    <article className="turn turn-model" aria-label="Model" data-status={run.status}>
      {text !== '' && <Markdown source={text} />}
      {run.status === 'waiting' && (
        <p className="waiting" aria-hidden="true">
          <i />
          <i />
          <i />
        </p>
      )}
      {run.error !== undefined && (
        <ErrorCard
          error={run.error}
          title={text === '' ? 'No answer' : 'The answer broke off'}
          onRetry={onRegenerate}
          onOpenSettings={onOpenSettings}
        />
      )}
      {!isActive(run) && run.status !== 'error' && (
        <TurnTools turn={turn} latest={latest} onRegenerate={onRegenerate} />
      )}
    </article>
  );
}

interface TurnToolsProps {
  readonly turn: ModelTurn;
  readonly latest: boolean;
  readonly onRegenerate: () => void;
}

function TurnTools({ turn, latest, onRegenerate }: TurnToolsProps) {
  return (
    <div className="turn-tools">
      {turn.text !== '' && <CopyButton text={turn.text} />}
      {latest && (
        <button type="button" className="quiet-button" onClick={onRegenerate}>
          <Icon name="refresh" />
          Regenerate
        </button>
      )}
      <RunStatus run={turn.run} />
    </div>
  );
}
