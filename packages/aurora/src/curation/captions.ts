import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AuroraError } from '../errors.js';
import { droppedBy, instructionOf, isLabel } from './instruction.js';

/** What a side-car says of a clip. */
export interface Caption {
  /** As it stands there. */
  readonly text: string;
  readonly instruction: string;
  /** Why the clip gives no edit; see `droppedBy`. */
  readonly dropped?: string;
}

/** Largest side-car, bytes: labels of all 221K clips of Something-Something v2 are 30 MB. */
const maxBytes = 256 << 20;
/** Longest caption, characters; more is no caption. */
const maxCharacters = 2000;
const textKeys = ['instruction', 'caption', 'label', 'text', 'description'] as const;
const nameKeys = ['id', 'file', 'clip', 'video', 'name', 'path', 'video_id'] as const;

/**
 * Finds captions of clips. Looked for in this order: an entry of the file given to the constructor; `clip.json` beside
 * `clip.mp4` (an object with `instruction`, `caption`, `label` or `text`, or a text); `clip.txt` (the first line that
 * is not empty); an entry of `captions.json` in the clip's folder. Lists of captions are objects from names to texts or
 * objects, or arrays of objects with a name (`id`, `file`, `clip`, `video`) — the labels of Something-Something v2 as
 * they are published; names are compared with and without the clip's extension.
 */
export class CaptionFinder {
  readonly #file: string | undefined;
  readonly #lists = new Map<string, Promise<ReadonlyMap<string, unknown> | undefined>>();

  /** @param file a list of captions for all clips */
  constructor(file?: string) {
    this.#file = file;
  }

  /**
   * The caption of a clip, undefined when there is none.
   * @throws AuroraError `DATA` for a side-car that is there but cannot be read
   */
  async find(clip: string): Promise<Caption | undefined> {
    const { dir, name, base } = path.parse(clip);
    if (this.#file !== undefined) {
      const list = await this.#list(this.#file);
      if (list === undefined) throw new AuroraError('DATA', `the captions file ${this.#file} does not exist`);
      const entry = list.get(base) ?? list.get(name);
      if (entry !== undefined) return captionOf(entry, this.#file);
    }
    const json = path.join(dir, `${name}.json`);
    const own = await readOptional(json);
    if (own !== undefined && name !== 'captions') return captionOf(parsed(own, json), json);
    const text = path.join(dir, `${name}.txt`);
    const line = (await readOptional(text))?.split(/\r?\n/).find((l) => l.trim() !== '');
    if (line !== undefined) return captionOf(line, text);
    const shared = path.join(dir, 'captions.json');
    const list = await this.#list(shared);
    const entry = list?.get(base) ?? list?.get(name);
    return entry === undefined ? undefined : captionOf(entry, shared);
  }

  #list(file: string): Promise<ReadonlyMap<string, unknown> | undefined> {
    let list = this.#lists.get(file);
    if (list === undefined) {
      list = readList(file);
      this.#lists.set(file, list);
    }
    return list;
  }
}

async function readList(file: string): Promise<ReadonlyMap<string, unknown> | undefined> {
  const text = await readOptional(file);
  if (text === undefined) return undefined;
  const json = parsed(text, file);
  if (!Array.isArray(json)) {
    if (!isRecord(json)) throw new AuroraError('DATA', `${file} must be an object or an array of captions`);
    return new Map(Object.entries(json));
  }
  const list = new Map<string, unknown>();
  for (const [i, entry] of json.entries()) {
    const key = isRecord(entry)
      ? nameKeys.find((k) => ['string', 'number'].includes(typeof entry[k]))
      : undefined;
    if (key === undefined || !isRecord(entry))
      throw new AuroraError('DATA', `${file}: entry ${i} needs a clip's name under ${nameKeys.join(', ')}`);
    list.set(path.basename(String(entry[key])), entry);
  }
  return list;
}

function captionOf(entry: unknown, file: string): Caption {
  const key = isRecord(entry) ? textKeys.find((k) => typeof entry[k] === 'string') : undefined;
  const given = isRecord(entry) && key !== undefined ? entry[key] : entry;
  const text = typeof given === 'string' ? given.replace(/^\uFEFF/, '').trim() : undefined;
  if (text === undefined || text === '' || text.length > maxCharacters)
    throw new AuroraError(
      'DATA',
      `${file} must hold a caption of 1 to ${maxCharacters} characters: a text, or an object with ${textKeys.join(', ')}`,
    );
  if (key === 'instruction') return { text, instruction: text };
  const template = isRecord(entry) && typeof entry.template === 'string' ? entry.template : undefined;
  const dropped = template !== undefined || isLabel(text) ? droppedBy(text, template) : undefined;
  return { text, instruction: instructionOf(text), ...(dropped === undefined ? {} : { dropped }) };
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > maxBytes)
      throw new AuroraError('DATA', `${file} has ${bytes.length} bytes; at most ${maxBytes}`);
    return bytes.toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (AuroraError.isInstance(error)) throw error;
    throw new AuroraError('DATA', `cannot read ${file}`, { cause: error });
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new AuroraError('DATA', `${file} is not JSON`, { cause: error });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
