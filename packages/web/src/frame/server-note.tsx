import { ErrorCard } from '../ui/error-card.js';
import type { ServerState } from './use-server.js';

export interface ServerNoteProps {
  readonly server: Exclude<ServerState, { readonly state: 'ready' }>;
  readonly onRetry: () => void;
  readonly onOpenSettings: () => void;
}

/** In place of a page while the server has not said which model it serves. */
export function ServerNote({ server, onRetry, onOpenSettings }: ServerNoteProps) {
  return (
    <section className="panel panel-quiet" aria-busy={server.state === 'loading'}>
      <h1 className="visually-hidden">Triptych</h1>
      {server.state === 'loading' ? (
        <div className="loading-note">
          <p role="status">
            {server.share === undefined
              ? 'Asking the server for its model…'
              : 'The server is loading its model…'}
          </p>
          {server.share !== undefined && <progress value={server.share} max={1} aria-label="Model loaded" />}
        </div>
      ) : (
        <ErrorCard
          error={server.error}
          title="The server did not say which model it has"
          onRetry={onRetry}
          onOpenSettings={onOpenSettings}
        />
      )}
    </section>
  );
}
