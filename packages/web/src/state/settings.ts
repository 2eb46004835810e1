/**
 * @module
 * What the user has set: sampling, system prompt, API key and theme. Pure readers and writers; values read back
 * from storage are checked like any other input, because another version of the page may have written them.
 */

/** Sampling as the sheet shows it. `undefined` leaves the choice to the server. */
export interface SamplingSettings {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly maxTokens: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
}

export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  readonly sampling: SamplingSettings;
  readonly systemPrompt: string;
  readonly apiKey: string;
  readonly theme: Theme;
}

/** The engine's own defaults, except the length: a run that fills the whole context is rarely wanted here. */
export const DEFAULT_SAMPLING: SamplingSettings = {
  temperature: 0.8,
  topP: 0.95,
  topK: 40,
  minP: 0.05,
  repetitionPenalty: 1,
  maxTokens: 512,
  seed: undefined,
  stop: [],
};

export const DEFAULT_SETTINGS: Settings = {
  sampling: DEFAULT_SAMPLING,
  systemPrompt: '',
  apiKey: '',
  theme: 'system',
};

/** The part of `Storage` this module needs. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const KEYS = {
  sampling: 'triptych.sampling',
  systemPrompt: 'triptych.system-prompt',
  apiKey: 'triptych.api-key',
  theme: 'triptych.theme', // also read by public/theme.js
} as const;

/** Settings from storage; anything missing, malformed or out of range falls back to its default. */
export function loadSettings(store: KeyValueStore | undefined): Settings {
  if (store === undefined) return DEFAULT_SETTINGS;
  const theme = store.getItem(KEYS.theme);
  return {
    sampling: parseSampling(store.getItem(KEYS.sampling)),
    systemPrompt: store.getItem(KEYS.systemPrompt) ?? '',
    apiKey: store.getItem(KEYS.apiKey) ?? '',
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
  };
}

/** Writes all settings; empty ones leave no entry. A full or forbidden storage is not an error worth a message. */
export function saveSettings(store: KeyValueStore | undefined, settings: Settings): void {
  if (store === undefined) return;
  const put = (key: string, value: string) =>
    value === '' ? store.removeItem(key) : store.setItem(key, value);
  try {
    put(KEYS.sampling, JSON.stringify(settings.sampling));
    put(KEYS.systemPrompt, settings.systemPrompt);
    put(KEYS.apiKey, settings.apiKey);
    put(KEYS.theme, settings.theme === 'system' ? '' : settings.theme);
  } catch {
    // The settings still hold for this visit.
  }
}

function parseSampling(text: string | null): SamplingSettings {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '{}');
  } catch {
    value = {};
  }
  const stored = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const within = (key: keyof SamplingSettings, low: number, high: number, fallback: number) => {
    const number = stored[key];
    return typeof number === 'number' && number >= low && number <= high ? number : fallback;
  };
  const whole = (key: keyof SamplingSettings, low: number, fallback: number | undefined) => {
    if (!(key in stored)) return fallback;
    const number = stored[key];
    return typeof number === 'number' && Number.isSafeInteger(number) && number >= low ? number : undefined;
  };
  const defaults = DEFAULT_SAMPLING;
  return {
    temperature: within('temperature', 0, 2, defaults.temperature),
    topP: within('topP', 0, 1, defaults.topP),
    topK: whole('topK', 0, defaults.topK) ?? defaults.topK,
    minP: within('minP', 0, 1, defaults.minP),
    repetitionPenalty: within('repetitionPenalty', 1, 2, defaults.repetitionPenalty),
    // A deliberately empty field is stored as a missing key; only a first visit has no entry at all.
    maxTokens: text === null ? defaults.maxTokens : whole('maxTokens', 1, undefined),
    seed: whole('seed', 0, undefined),
    stop: Array.isArray(stored.stop)
      ? stored.stop.filter((item) => typeof item === 'string' && item !== '')
      : [],
  };
}

/** Stop strings as typed, one per line; `\n`, `\t` and `\\` are escapes because a line cannot hold them. At most 16. */
export function parseStopStrings(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line.replace(/\\([nt\\])/g, (_, letter: string) =>
        letter === 'n' ? '\n' : letter === 't' ? '\t' : '\\',
      ),
    )
    .filter((line) => line !== '')
    .slice(0, 16);
}

/** The inverse of `parseStopStrings`. */
export function formatStopStrings(stop: readonly string[]): string {
  const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\t': '\\t' };
  return stop.map((item) => item.replace(/[\\\n\t]/g, (character) => escapes[character]!)).join('\n');
}
