import { type FormEvent, useState } from 'react';

export interface NameFormProps {
  readonly busy: boolean;
  /** The name that somebody has already. */
  readonly taken: string | undefined;
  readonly onJoin: (name: string, resume: boolean) => void;
}

/** Asks who is working. A name that is taken may be the same person coming back. */
export function NameForm({ busy, taken, onJoin }: NameFormProps) {
  const [name, setName] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '') onJoin(name.trim(), false);
  };
  const isTaken = taken !== undefined && taken === name.trim();
  return (
    <form className="name-form" onSubmit={submit}>
      <label className="field">
        <span>Your name</span>
        <input
          type="text"
          // biome-ignore lint/a11y/noAutofocus: the page is about nothing else, and a keyboard should do
          autoFocus
          autoComplete="off"
          spellCheck={false}
          maxLength={60}
          value={name}
          onChange={(event) => setName(event.target.value)}
          aria-describedby="name-help"
        />
      </label>
      <p id="name-help" className="help">
        A first name or a made-up one will do. It lets you go on later, also in another browser.
      </p>
      {isTaken ? (
        <div className="name-taken" role="alert">
          <p>
            <b>{taken}</b> takes part already. If that is you, go on where you were; if not, take another
            name.
          </p>
          <button
            type="button"
            className="button button-primary"
            disabled={busy}
            onClick={() => onJoin(taken, true)}
          >
            Continue as {taken}
          </button>
        </div>
      ) : (
        <button
          type="submit"
          className="button button-primary button-large"
          disabled={busy || name.trim() === ''}
        >
          Begin
        </button>
      )}
    </form>
  );
}
