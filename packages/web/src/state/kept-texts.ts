/**
 * @module
 * The conversation and the manuscript in the browser's storage, so that a reload loses nothing. What is read back is
 * checked like any other input: another version of the page may have written it.
 */
import type { Store } from '../lib/store.js';
import { type Conversation, EMPTY_CONVERSATION, type Turn } from './conversation.js';
import { EMPTY_MANUSCRIPT, type Manuscript, type Span } from './manuscript.js';
import { isActive, type Run, type RunError, type RunStatus } from './run.js';
import type { KeyValueStore } from './settings.js';

const KEYS = { conversation: 'triptych.conversation', manuscript: 'triptych.manuscript' } as const;

/** The conversation that was kept; an empty one when there is none or it cannot be read. */
export function loadConversation(storage: KeyValueStore | undefined): Conversation {
  const stored = read(storage, KEYS.conversation);
  const turns = list(stored?.turns).map(parseTurn);
  if (!turns.every((turn) => turn !== undefined)) return EMPTY_CONVERSATION;
  return { turns: turns.map((turn, i) => ({ ...turn, id: i + 1 })), nextId: turns.length + 1 };
}

/** An empty conversation leaves no entry. An answer that is still arriving counts as stopped. */
export function saveConversation(storage: KeyValueStore | undefined, { turns }: Conversation): void {
  write(storage, KEYS.conversation, turns.length === 0 ? undefined : { turns });
}

/** The manuscript that was kept, without its steps back; an empty one when there is none or it cannot be read. */
export function loadManuscript(storage: KeyValueStore | undefined): Manuscript {
  const spans = list(read(storage, KEYS.manuscript)?.spans).map(parseSpan);
  return spans.every((span) => span !== undefined) ? { ...EMPTY_MANUSCRIPT, spans } : EMPTY_MANUSCRIPT;
}

/** An empty manuscript leaves no entry. */
export function saveManuscript(storage: KeyValueStore | undefined, { spans }: Manuscript): void {
  write(storage, KEYS.manuscript, spans.length === 0 ? undefined : { spans });
}

/**
 * Saves a store's state soon after it changes, and at once when the page is hidden or left: text that arrives in a
 * hidden page is not announced until it is shown. Returns a function that saves a last time and ends this.
 */
export function keepSaved<State>(
  store: Pick<Store<State, never>, 'get' | 'subscribe'>,
  save: (state: State) => void,
  { page, delayMs = 300 }: { readonly page: Document; readonly delayMs?: number },
): () => void {
  let saved = store.get();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const state = store.get();
    if (state === saved) return;
    saved = state;
    save(state);
  };
  const unsubscribe = store.subscribe(() => {
    timer ??= setTimeout(flush, delayMs);
  });
  const { defaultView: view } = page;
  page.addEventListener('visibilitychange', flush);
  view?.addEventListener('pagehide', flush);
  return () => {
    flush();
    unsubscribe();
    page.removeEventListener('visibilitychange', flush);
    view?.removeEventListener('pagehide', flush);
  };
}

type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null ? (value as Json) : undefined;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const amount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

function read(storage: KeyValueStore | undefined, key: string): Json | undefined {
  try {
    return object(JSON.parse(storage?.getItem(key) ?? 'null'));
  } catch {
    return undefined;
  }
}

function write(storage: KeyValueStore | undefined, key: string, value: Json | undefined): void {
  if (value === undefined) storage?.removeItem(key);
  else storage?.setItem(key, JSON.stringify(value));
}

function parseTurn(value: unknown): Turn | undefined {
  const turn = object(value);
  if (typeof turn?.text !== 'string') return undefined;
  if (turn.role === 'user') return { role: 'user', id: 0, text: turn.text };
  const run = parseRun(turn.run);
  return turn.role === 'assistant' && run !== undefined
    ? { role: 'assistant', id: 0, text: turn.text, run }
    : undefined;
}

const statuses: readonly unknown[] = [
  'waiting',
  'streaming',
  'done',
  'stopped',
  'error',
] satisfies RunStatus[];

function parseRun(value: unknown): Run | undefined {
  const stored = object(value);
  if (stored === undefined || !statuses.includes(stored.status)) return undefined;
  const [startedAtMs, lastAtMs, pieces] = [stored.startedAtMs, stored.lastAtMs, stored.pieces].map(amount);
  if (startedAtMs === undefined || lastAtMs === undefined || pieces === undefined) return undefined;
  const usage = object(stored.usage);
  const [promptTokens, completionTokens] = [usage?.promptTokens, usage?.completionTokens].map(amount);
  const run: Run = {
    status: stored.status as RunStatus,
    startedAtMs,
    firstAtMs: amount(stored.firstAtMs),
    lastAtMs,
    pieces,
    usage:
      promptTokens === undefined || completionTokens === undefined
        ? undefined
        : { promptTokens, completionTokens },
    reason: typeof stored.reason === 'string' ? stored.reason : undefined,
    error: parseError(stored.error),
  };
  // Nobody delivers the rest of an answer that was arriving; a failure that cannot be read says nothing.
  const ended = isActive(run) || (run.status === 'error' && run.error === undefined);
  return ended ? { ...run, status: 'stopped' } : run;
}

function parseError(value: unknown): RunError | undefined {
  const { message, code, status } = object(value) ?? {};
  if (typeof message !== 'string' || typeof code !== 'string' || typeof status !== 'number') return undefined;
  return { message, code, status };
}

function parseSpan(value: unknown): Span | undefined {
  const { author, text } = object(value) ?? {};
  const known = author === 'person' || author === 'model';
  return known && typeof text === 'string' && text !== '' ? { author, text } : undefined;
}
