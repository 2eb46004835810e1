import { join } from 'node:path';
import { writeFileAtomically } from '@triptych/media';

const WORD_END = '</w>';

/**
 * Learns a tokenizer in CLIP's format from texts and writes `vocab.json`, `merges.txt` and `tokenizer_config.json`.
 * Merging goes on until every word that occurs is one token: the texts of a toy world have a few hundred words, and a
 * word that is one token needs no learning of how its pieces belong together. Other words still work, in pieces.
 * @param maxLength tokens per text, start and end included
 * @returns tokens in the vocabulary; the last two are start and end
 */
export async function writeWordTokenizer(
  folder: string,
  texts: Iterable<string>,
  maxLength: number,
): Promise<number> {
  const merges = mergesOf(wordsOf(texts));
  const bytes = byteCharacters();
  const tokens = new Set([
    ...bytes,
    ...bytes.map((char) => char + WORD_END),
    ...merges.map(([left, right]) => left + right),
    '<|startoftext|>',
    '<|endoftext|>',
  ]);
  const config = {
    tokenizer_class: 'CLIPTokenizer',
    bos_token: '<|startoftext|>',
    eos_token: '<|endoftext|>',
    pad_token: '<|endoftext|>',
    model_max_length: maxLength,
  };
  const write = (name: string, text: string): Promise<void> => writeFileAtomically(join(folder, name), text);
  const ids = Object.fromEntries([...tokens].map((token, id) => [token, id]));
  await write('vocab.json', `${JSON.stringify(ids)}\n`);
  await write('merges.txt', `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`);
  await write('tokenizer_config.json', `${JSON.stringify(config, undefined, 2)}\n`);
  return tokens.size;
}

/** Words and how often they occur, in an order that does not depend on the texts'. */
function wordsOf(texts: Iterable<string>): [string, number][] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The most frequent pair of neighbours is merged again and again (Sennrich et al. 2016) until none is left. */
function mergesOf(words: readonly [string, number][]): [string, string][] {
  const pieces = words.map(([word, count]) => ({
    symbols: [...word].map((char, i) => (i === word.length - 1 ? char + WORD_END : char)),
    count,
  }));
  const merges: [string, string][] = [];
  for (;;) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of pieces) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    }
    let best: string | undefined;
    for (const [pair, count] of counts)
      if (best === undefined || count > (counts.get(best) ?? 0)) best = pair;
    if (best === undefined) return merges;
    const [left = '', right = ''] = best.split(' ');
    merges.push([left, right]);
    for (const piece of pieces) piece.symbols = merged(piece.symbols, left, right);
  }
}

function merged(symbols: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const isPair = symbols[i] === left && symbols[i + 1] === right;
    result.push(isPair ? left + right : (symbols[i] as string));
    if (isPair) i++;
  }
  return result;
}

/** GPT-2's characters for the 256 bytes: printable ones stand for themselves, the others are moved to U+0100 and up. */
function byteCharacters(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : 0x100 + moved++),
  );
}
