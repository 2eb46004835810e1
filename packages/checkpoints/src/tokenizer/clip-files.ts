import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, quoted, reasonOf } from '../errors.js';
import { type ClipTokenizer, type ClipVocabulary, createClipTokenizer } from './clip.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the tokenizer folder of a diffusers model: `vocab.json` and `merges.txt`, or else `tokenizer.json`, with the
 * special tokens and the length that `tokenizer_config.json` and `special_tokens_map.json` give.
 *
 * @throws CheckpointError `IO` if there are no such files, `TOKENIZER` naming the file and what is wrong in it
 */
export async function readClipTokenizer(folder: string): Promise<ClipTokenizer> {
  const settings = {
    ...(await optionalJson(folder, 'special_tokens_map.json')),
    ...(await optionalJson(folder, 'tokenizer_config.json')),
  };
  const length = settings.model_max_length;
  const vocabulary = (await fromVocabularyFiles(folder)) ?? (await fromTokenizerJson(folder));
  return createClipTokenizer({
    ...vocabulary,
    ...tokenSetting('bosToken', settings.bos_token),
    ...tokenSetting('eosToken', settings.eos_token),
    ...tokenSetting('padToken', settings.pad_token),
    // transformers writes 10^30 for "no limit"; the encoder's own limit is then CLIP's.
    ...(typeof length === 'number' && length <= 1e6 ? { maxLength: length } : {}),
  });
}

type Files = Pick<ClipVocabulary, 'ids' | 'merges'>;

async function fromVocabularyFiles(folder: string): Promise<Files | undefined> {
  const ids = await optionalJson(folder, 'vocab.json');
  const merges = await optionalText(folder, 'merges.txt');
  if (ids === undefined || merges === undefined) return undefined;
  const lines = merges
    .split(/\r?\n/)
    .filter((line, index) => line !== '' && !(index === 0 && line.startsWith('#version')));
  return { ids: vocabularyOf(ids, 'vocab.json'), merges: lines.map((line) => mergeOf(line, 'merges.txt')) };
}

async function fromTokenizerJson(folder: string): Promise<Files> {
  const file = 'tokenizer.json';
  const json = await optionalJson(folder, file);
  if (json === undefined) {
    throw new CheckpointError('IO', `${quoted(folder)} has neither vocab.json with merges.txt nor ${file}`);
  }
  const model = json.model;
  if (!isObject(model) || !isObject(model.vocab) || !Array.isArray(model.merges)) {
    throw new CheckpointError('TOKENIZER', `${file}: "model" must hold a BPE with "vocab" and "merges"`);
  }
  return {
    ids: vocabularyOf(model.vocab, file),
    merges: model.merges.map((merge: unknown) => mergeOf(merge, file)),
  };
}

function vocabularyOf(json: Json, file: string): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(json)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 2 ** 31 - 1) {
      throw new CheckpointError(
        'TOKENIZER',
        `${file}: the id of ${quoted(token)} must be a whole number >= 0`,
      );
    }
    ids.set(token, id as number);
  }
  return ids;
}

function mergeOf(merge: unknown, file: string): readonly [string, string] {
  const parts: readonly unknown[] = Array.isArray(merge)
    ? merge
    : typeof merge === 'string'
      ? merge.trim().split(/\s+/)
      : [];
  const [left, right] = parts;
  if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string') {
    throw new CheckpointError(
      'TOKENIZER',
      `${file}: ${typeof merge === 'string' ? quoted(merge) : 'an entry of merges'} is not a pair of tokens`,
    );
  }
  return [left, right];
}

/** A special token is written as its text or as an object with its text. */
function tokenSetting(key: 'bosToken' | 'eosToken' | 'padToken', value: unknown): Partial<ClipVocabulary> {
  const text = isObject(value) ? value.content : value;
  return typeof text === 'string' ? { [key]: text } : {};
}

async function optionalText(folder: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, file), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CheckpointError('IO', `cannot read ${quoted(join(folder, file))}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

async function optionalJson(folder: string, file: string): Promise<Json | undefined> {
  const text = await optionalText(folder, file);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError('TOKENIZER', `${file} is not JSON: ${reasonOf(cause)}`, { cause });
  }
  if (!isObject(json)) throw new CheckpointError('TOKENIZER', `${file} must be a JSON object`);
  return json;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
