import type { RunError } from '../state/run.js';
import { Icon } from './icon.js';

export interface ErrorCardProps {
  readonly error: RunError;
  readonly title: string;
  readonly onRetry: () => void;
  readonly onOpenSettings: () => void;
}

/** A failure in the server's words, with what can be done about it. */
export function ErrorCard({ error, title, onRetry, onOpenSettings }: ErrorCardProps) {
  const needsKey = error.status === 401;
  return (
    <div className="error-card">
      <Icon name="warning" />
      <div>
        <p className="error-title">{needsKey ? 'This server asks for an API key' : title}</p>
        <p className="error-message">{error.message}</p>
        <div className="error-actions">
          {needsKey && (
            <button type="button" className="button button-primary" onClick={onOpenSettings}>
              <Icon name="key" />
              Enter the API key
            </button>
          )}
          <button type="button" className="button" onClick={onRetry}>
            <Icon name="refresh" />
            Try again
          </button>
          <code>{error.status > 0 ? `${error.status} ${error.code}` : error.code}</code>
        </div>
      </div>
    </div>
  );
}
