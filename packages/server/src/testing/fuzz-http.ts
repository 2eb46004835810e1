/**
 * @module
 * Seeded hostile requests for the text and image routes, and what must hold for every answer.
 * `npm run fuzz` runs many; the tests replay a corpus and some more.
 */
import { createApp } from '../app.js';
import type { ErrorBody } from '../errors.js';
import type { App } from '../http/context.js';
import { FakeEngine } from './fake-engine.js';
import { FakeImageSource } from './fake-image-source.js';
import { editBody, editFieldNames, editPaths, spellForm } from './fuzz-images.js';
import { type Random, seededRandom } from './random.js';

export interface FuzzCase {
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

/** What the cases are sent to. */
export interface FuzzTarget {
  readonly app: App;
  readonly engine: FakeEngine;
  readonly images: FakeImageSource;
}

/** An app over a fake engine and a fake image source whose answers are short. */
export function fuzzTarget(): FuzzTarget {
  const engine = new FakeEngine({ naturalEnd: 3 });
  const images = new FakeImageSource();
  const limits = { maxBodyBytes: 64 * 1024, maxImageBodyBytes: 64 * 1024 };
  return { engine, images, app: createApp({ engines: [engine], images, limits }) };
}

const allowedStatus = new Set([200, 202, 400, 404, 413, 415]);

/** What is wrong with the server's answer to `one`, or undefined when everything holds. */
export async function checkCase(
  { app, engine, images }: FuzzTarget,
  one: FuzzCase,
): Promise<string | undefined> {
  engine.seen.length = 0;
  images.seen.length = 0;
  const response = await app.request(one.path, {
    method: 'POST',
    headers: one.contentType === undefined ? {} : { 'content-type': one.contentType },
    body: new Uint8Array(one.body),
  });
  const text = await response.text();
  if (!allowedStatus.has(response.status)) return `status ${response.status}: ${text.slice(0, 300)}`;
  // An aborted generation takes one more turn of the event loop to end.
  for (let turn = 0; turn < 3 && engine.running > 0; turn++) await new Promise(setImmediate);
  if (engine.running > 0) return 'a generation is still running';
  if (response.status >= 400) return checkError(text);
  if (one.path.includes('/images/')) {
    // A job goes on without its request.
    if (response.status === 202) {
      const { id } = JSON.parse(text) as { id: string };
      await app.request(`/api/images/jobs/${id}`, { method: 'DELETE' });
      while (images.running > 0) await new Promise(setImmediate);
    }
    return checkImages(response, text);
  }
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    return text.endsWith('data: [DONE]\n\n') ? undefined : `unfinished stream: ${text.slice(-300)}`;
  }
  const { choices } = JSON.parse(text) as { choices: unknown[] };
  return choices.length > 0 ? undefined : 'no choices';
}

function checkImages(response: Response, text: string): string | undefined {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    const last = text.trimEnd().split('\n').at(-1) ?? '';
    return last.startsWith('data: {"type":"image_edit.completed"')
      ? undefined
      : `unfinished stream: ${last.slice(0, 300)}`;
  }
  const reply = JSON.parse(text) as Fields;
  const isShaped = ['data', 'status', 'suggestions', 'parameters'].some((name) => name in reply);
  return isShaped ? undefined : `image reply: ${text.slice(0, 300)}`;
}

function checkError(text: string): string | undefined {
  const { error } = JSON.parse(text) as {
    error: Readonly<Partial<Record<keyof ErrorBody['error'], unknown>>>;
  };
  const isShaped =
    typeof error.message === 'string' &&
    error.message.length > 0 &&
    error.message.length < 1000 &&
    typeof error.code === 'string' &&
    error.type === 'invalid_request_error' &&
    (error.param === null || typeof error.param === 'string');
  return isShaped ? undefined : `error shape: ${text.slice(0, 300)}`;
}

/** Case number `index` of the series `seed`; always the same for the same two numbers. */
export function fuzzCase(seed: number, index: number): FuzzCase {
  const random = seededRandom(seed * 1_000_003 + index);
  if (random.chance(0.3)) return imageCase(random);
  const isChat = random.chance(0.5);
  const path = isChat ? '/v1/chat/completions' : '/v1/completions';
  const contentType = random.chance(0.97)
    ? 'application/json'
    : random.pick(['text/plain', 'application/json; charset=latin1', 'application/jsonp', '', undefined]);
  const value = random.chance(0.9)
    ? mutate(random, isChat ? chatBody(random) : completionBody(random))
    : anything(random, 0);
  const text = spell(random, value);
  const bytes = new TextEncoder().encode(text);
  return { path, contentType, body: random.chance(0.2) ? damage(random, bytes) : bytes };
}

type Fields = Record<string, unknown>;

/** The same for the image routes: JSON as for text, or a form. */
function imageCase(random: Random): FuzzCase {
  const path = random.pick(editPaths);
  const isForm = path !== '/api/images/scene' && random.chance(0.6);
  const value = random.chance(0.9) ? mutate(random, editBody(random, path, isForm)) : anything(random, 0);
  if (!isForm) {
    const bytes = new TextEncoder().encode(spell(random, value));
    const contentType = random.chance(0.97) ? 'application/json' : random.pick(['text/plain', undefined]);
    return { path, contentType, body: random.chance(0.2) ? damage(random, bytes) : bytes };
  }
  const { contentType, body } = spellForm(random, value);
  return { path, contentType, body: random.chance(0.3) ? damage(random, body) : body };
}

function chatBody(random: Random): Fields {
  const message = () => ({
    role: random.pick(['system', 'developer', 'user', 'assistant']),
    content: random.chance(0.5) ? 'hello there' : [{ type: 'text', text: 'hello' }],
  });
  return { messages: Array.from({ length: 1 + random.below(3) }, message), ...commonFields(random) };
}

function completionBody(random: Random): Fields {
  const prompt = random.pick<unknown>(['once upon', ['a', 'b'], [1, 2, 3], [[1], [2, 3]]]);
  return { prompt, ...commonFields(random), ...(random.chance(0.2) ? { echo: random.chance(0.5) } : {}) };
}

function commonFields(random: Random): Fields {
  const all: Fields = {
    model: random.chance(0.9) ? 'fake' : random.pick(['', 'other', 'gpt-5']),
    max_tokens: 3,
    temperature: 0.7,
    top_p: 0.9,
    top_k: 10,
    min_p: 0.05,
    repetition_penalty: 1.1,
    presence_penalty: 0.1,
    frequency_penalty: -0.1,
    seed: 42,
    stop: ['two'],
    stream: true,
    n: 1,
    user: 'u',
  };
  return Object.fromEntries(Object.entries(all).filter(() => random.chance(0.3)));
}

// biome-ignore format: a table
const fieldNames = [
  'messages', 'prompt', 'model', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'min_p',
  'repetition_penalty', 'presence_penalty', 'frequency_penalty', 'seed', 'stop', 'stream', 'stream_options', 'echo',
  'n', 'best_of', 'suffix', 'logprobs', 'top_logprobs', 'logit_bias', 'tools', 'tool_choice', 'response_format',
  'functions', 'audio', 'modalities', 'ignore_eos', 'user', 'metadata', 'store', '__proto__', 'constructor', 'toString',
  'hasOwnProperty', '', 'temprature', 'a'.repeat(300), '\u0000', '\ud800', 'messages[0]', ...editFieldNames,
];

/** Changes a few places of a valid body, at any depth. */
function mutate(random: Random, body: Fields): unknown {
  const changes = random.below(4);
  for (let i = 0; i < changes; i++) mutateOnce(random, body, 0);
  return body;
}

function mutateOnce(random: Random, target: Fields | unknown[], depth: number): void {
  const keys = Object.keys(target);
  const key = random.chance(0.6) && keys.length > 0 ? random.pick(keys) : random.pick(fieldNames);
  const fields = target as Fields;
  const current = Object.hasOwn(fields, key) ? fields[key] : undefined;
  const isFile = current instanceof Uint8Array;
  if (typeof current === 'object' && current !== null && !isFile && depth < 4 && random.chance(0.6)) {
    mutateOnce(random, current as Fields, depth + 1);
    return;
  }
  if (Array.isArray(target)) {
    if (random.chance(0.3)) target.pop();
    else target.push(anything(random, 2));
    return;
  }
  if (random.chance(0.15)) delete fields[key];
  else define(fields, key, anything(random, depth));
}

/** Plain assignment would set the prototype for `__proto__`; JSON.parse makes it a field, and so do we. */
function define(fields: Fields, key: string, value: unknown): void {
  Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true });
}

// biome-ignore format: a table
const oddNumbers = [
  0, -0, 1, -1, 2, 0.5, -0.5, 1e-320, 1e21, 1e300, -1e300, 2 ** 31, 2 ** 31 - 1, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 2 ** 63,
  -(2 ** 31), 4096, 100_000, 3.0000000001,
];
// biome-ignore format: a table
const oddStrings = [
  '', ' ', '\u0000', '\ud83d', '\udc00\ud83d', '\ufeff', '\u202e', 'null', 'NaN', '1', 'true', '[]', '{}', '"', '\\', '🙂'.repeat(50),
  'a'.repeat(5000), 'word '.repeat(3000), '<|endoftext|>', '{{ messages }}', '../../etc/passwd', '%00', 'text', 'user', 'fake',
];

function anything(random: Random, depth: number): unknown {
  switch (random.below(depth > 3 ? 5 : 8)) {
    case 0:
      return random.pick(oddNumbers);
    case 1:
      return random.pick(oddStrings);
    case 2:
      return random.pick([null, true, false]);
    case 3:
      return random.pick<unknown>([[], {}, [[]], [{}], [null], { type: 'text' }, { type: 'json_object' }]);
    case 4:
      return (random.uniform() - 0.5) * 10 ** random.below(20);
    case 5:
      if (random.chance(0.03)) return Array.from({ length: 5000 }, () => random.below(10));
      return Array.from({ length: random.below(6) }, () => anything(random, depth + 2));
    case 6: {
      const fields: Fields = {};
      for (let i = random.below(4); i >= 0; i--)
        define(fields, random.pick(fieldNames), anything(random, depth + 1));
      return fields;
    }
    default:
      return nested(random.pick([10, 200, 1000]), random.chance(0.5));
  }
}

function nested(levels: number, inArrays: boolean): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = inArrays ? [value] : { a: value };
  return value;
}

/** JSON text, sometimes with spellings that only a parser sees: numbers out of range, doubled keys, a BOM. */
function spell(random: Random, value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  if (random.chance(0.9)) return text;
  return random.pick([
    `\ufeff${text}`,
    ` \r\n\t${text}\n`,
    text.replace(/:\d+/, ':1e999'),
    text.replace(/:\d+/, ':-0.0'),
    text.replace(/^\{/, '{"stop":"a","stop":["b"],'),
    text.replace(/^\{/, '{"\\u005f_proto__":{"stream":true},'),
    `${text}${text}`,
    `[${text}]`,
  ]);
}

/** A stray byte, an overlong slash, half a surrogate pair, a NUL. */
const notUtf8 = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0]];

/** Byte-level damage: cut, flip, insert, repeat. */
function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  switch (random.below(5)) {
    case 0:
      return bytes.slice(0, at);
    case 1: {
      const copy = bytes.slice();
      if (copy.length > 0) copy[at % copy.length] = random.below(256);
      return copy;
    }
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(notUtf8)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes, Buffer.alloc(random.pick([1, 1000, 70_000]), 0x20)]);
    default:
      return Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256)));
  }
}
