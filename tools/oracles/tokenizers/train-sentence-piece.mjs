/**
 * A small character-level trainer that makes a vocabulary in the shape of Llama's SentencePiece models: unknown,
 * control and user-defined tokens, 256 byte tokens, merged pieces scored by merge order, then single characters.
 */

const isWhole = (text) => text.length > 0;

/** Words as SentencePiece sees them: each with the `▁` of the space before it. */
function countWords(text) {
  const counts = new Map();
  for (const word of text
    .split(/(?= )/u)
    .map((part) => part.replaceAll(' ', '▁'))
    .filter(isWhole)) {
    for (const line of word.split('\n').filter(isWhole)) counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

function bestPair(words) {
  const counts = new Map();
  for (const { pieces, count } of words) {
    for (let i = 0; i + 1 < pieces.length; i++) {
      const key = `${pieces[i]} ${pieces[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let best;
  for (const [key, count] of counts) {
    if (!best || count > best.count || (count === best.count && key < best.key)) best = { key, count };
  }
  return best;
}

function mergePair(word, left, right) {
  const merged = [];
  for (let i = 0; i < word.pieces.length; i++) {
    const isPair = word.pieces[i] === left && word.pieces[i + 1] === right;
    merged.push(isPair ? left + right : word.pieces[i]);
    if (isPair) i++;
  }
  word.pieces = merged;
}

/** @returns {{ text: string, score: number, kind: number }[]} tokens by id */
export function trainSentencePiece(text, { mergeCount, control, userDefined }) {
  const words = [...countWords(text)].map(([word, count]) => ({ pieces: [...word], count }));
  const characters = [...new Set(words.flatMap(({ pieces }) => pieces))].sort();
  const pieces = [];
  while (pieces.length < mergeCount) {
    const best = bestPair(words);
    if (best === undefined || best.count < 2) break;
    const [left, right] = best.key.split(' ');
    for (const word of words) mergePair(word, left, right);
    if (!pieces.includes(left + right)) pieces.push(left + right);
  }
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  return [
    { text: '<unk>', score: 0, kind: 2 },
    ...control.map((name) => ({ text: name, score: 0, kind: 3 })),
    ...bytes.map((name) => ({ text: name, score: 0, kind: 6 })),
    ...userDefined.map((name) => ({ text: name, score: 0, kind: 4 })),
    ...pieces.map((piece, rank) => ({ text: piece, score: -rank, kind: 1 })),
    ...characters.map((char, i) => ({ text: char, score: -pieces.length - i, kind: 1 })),
  ];
}
