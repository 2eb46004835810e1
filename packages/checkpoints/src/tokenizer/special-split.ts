import { tokenKind, type Vocabulary } from './vocabulary.js';

/** A stretch of ordinary text, or the id of a token that stood in the text by name. */
export type Fragment = string | number;

/**
 * Finds tokens that are written out in the text. User-defined ones are always found, control and unknown ones only
 * when `parseSpecial` is set (otherwise a user could type them). Longer texts win over shorter ones anywhere in the
 * text, as in llama.cpp.
 */
export class SpecialSplitter {
  readonly #always: readonly number[];
  readonly #parsed: readonly number[];
  readonly #texts: readonly string[];

  constructor({ texts, kinds }: Vocabulary) {
    const special: number[] = [];
    for (const [id, kind] of kinds.entries()) {
      if (kind === tokenKind.control || kind === tokenKind.userDefined || kind === tokenKind.unknown)
        special.push(id);
    }
    special.sort((a, b) => Buffer.byteLength(texts[b]!) - Buffer.byteLength(texts[a]!));
    this.#parsed = special;
    this.#always = special.filter((id) => kinds[id] === tokenKind.userDefined);
    this.#texts = texts;
  }

  split(text: string, parseSpecial: boolean): Fragment[] {
    let fragments: Fragment[] = text === '' ? [] : [text];
    for (const id of parseSpecial ? this.#parsed : this.#always) {
      const needle = this.#texts[id]!;
      if (fragments.some((fragment) => typeof fragment === 'string' && fragment.includes(needle))) {
        fragments = fragments.flatMap((fragment) => cut(fragment, needle, id));
      }
    }
    return fragments;
  }
}

/** One fragment with every occurrence of `needle` replaced by `id`. */
function cut(fragment: Fragment, needle: string, id: number): Fragment[] {
  if (typeof fragment === 'number') return [fragment];
  const pieces = fragment.split(needle);
  return pieces.flatMap((piece, i) => {
    const text = piece === '' ? [] : [piece];
    return i === 0 ? text : [id, ...text];
  });
}
