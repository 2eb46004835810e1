import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Theme } from '../state/settings.js';
import { Icon } from '../ui/icon.js';

export interface SettingsDialogProps {
  readonly apiKey: string;
  readonly theme: Theme;
  readonly onSave: (apiKey: string) => void;
  readonly onTheme: (theme: Theme) => void;
  readonly onClose: () => void;
}

/** The API key and the theme. Mounted only while it is open. */
export function SettingsDialog({ apiKey, theme, onSave, onTheme, onClose }: SettingsDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [key, setKey] = useState(apiKey);
  useEffect(() => {
    // Kept here because closing by unmounting would leave the focus nowhere.
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  const save = (event: FormEvent) => {
    event.preventDefault();
    onSave(key.trim());
    onClose();
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="settings-title" onClose={onClose}>
      <form onSubmit={save}>
        <div className="dialog-head">
          <h2 id="settings-title">Settings</h2>
          <button type="button" className="icon-button" onClick={onClose} aria-label="Close">
            <Icon name="close" />
          </button>
        </div>
        <label className="field">
          <span>API key</span>
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={key}
            onChange={(event) => setKey(event.target.value)}
            aria-describedby="key-help"
          />
        </label>
        <p id="key-help" className="help">
          Needed when the server was started with a key. It stays in this browser and goes only to this
          server.
        </p>
        <fieldset className="field">
          <legend>Theme</legend>
          <div className="segments">
            {(['system', 'light', 'dark'] as const).map((value) => (
              <label key={value}>
                <input type="radio" name="theme" checked={theme === value} onChange={() => onTheme(value)} />
                <span>{{ system: 'As the system', light: 'Light', dark: 'Dark' }[value]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <div className="dialog-foot">
          <button type="submit" className="button button-primary">
            Save
          </button>
        </div>
      </form>
    </dialog>
  );
}
