/**
 * The word splitting that each byte-level BPE vocabulary was trained with (`tokenizer.ggml.pre`). Patterns as in
 * llama.cpp's `llm_tokenizer_bpe`; `\s` is spelt out because JavaScript's `\s` has U+FEFF and lacks U+0085.
 *
 * @module
 */
import { CheckpointError, quoted } from '../errors.js';

const maxRun = 1_000_000;

/**
 * Compiles a pattern with its open quantifiers bounded: on ten million characters of one class the engine's stack would
 * overflow. Longer runs, which only hostile text has, are cut.
 */
function compile(pattern: string, flags: 'gu' | 'gv' = 'gu'): RegExp {
  const bounded = pattern.replace(
    /([\]}])([*+])/g,
    (_, end: string, sign) => `${end}{${sign === '*' ? 0 : 1},${maxRun}}`,
  );
  return new RegExp(bounded, flags);
}

const space = '\\p{White_Space}';
const contraction = `'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`;
const lineEnds = `${space}*[\\r\\n]+|${space}+(?!\\P{White_Space})|${space}+`;

const gpt2 = compile(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|${space}+(?!\\P{White_Space})|${space}+`,
);

/** Llama 3 and its relatives; they differ in how many digits make a word and in what belongs to one. */
function llama3Like(digits: string, letters = '\\p{L}'): RegExp {
  const word = `[^\\r\\n\\p{L}\\p{N}]?[${letters}]+`;
  return compile(`${contraction}|${word}|${digits}| ?[^${space}${letters}\\p{N}]+[\\r\\n]*|${lineEnds}`);
}

/** Words that end where capitals follow small letters (`HelloWorld` is two), with a contraction as their suffix. */
function caseRuns(digits: string, suffix: string): RegExp {
  const notSmall = '[\\p{L}--[a-z]]';
  const notCapital = '[\\p{L}--[A-Z]]';
  const lead = '[^\\r\\n\\p{L}\\p{N}]?';
  const word = `${lead}${notSmall}*${notCapital}+${suffix}|${lead}${notSmall}+${notCapital}*${suffix}`;
  return compile(`${word}|${digits}| ?[^${space}\\p{L}\\p{N}]+[\\r\\n\\/]*|${lineEnds}`, 'gv');
}

interface Splitting {
  readonly names: readonly string[];
  /** Applied one after another, each to the pieces of the one before. */
  readonly patterns: readonly RegExp[];
  /** A word that is a token as a whole is not merged from its parts. */
  readonly ignoreMerges?: boolean;
  /** Default of `tokenizer.ggml.add_bos_token`. */
  readonly addBos?: boolean;
}

const splittings: readonly Splitting[] = [
  {
    names: ['default'],
    patterns: [compile('[\\p{P}$+<=>^~|]+'), gpt2, compile('\\p{N}+'), compile('[0-9][0-9][0-9]')],
  },
  {
    names: [
      'gpt-2',
      'phi-2',
      'gigachat',
      'a.x-4.0',
      'mellum',
      'mpt',
      'olmo',
      'jais',
      'trillion',
      'granite-docling',
      'exaone4',
    ],
    patterns: [gpt2],
  },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
    patterns: [compile('\\p{N}'), gpt2],
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    patterns: [llama3Like('\\p{N}{1,3}')],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ['dbrx', 'smaug-bpe'], patterns: [llama3Like('\\p{N}{1,3}')] },
  {
    names: ['qwen2', 'stablelm2', 'hunyuan', 'solar-open', 'deepseek-r1-qwen', 'kormo', 'f2llmv2', 'megrez'],
    patterns: [llama3Like('\\p{N}')],
  },
  { names: ['tekken'], patterns: [caseRuns('\\p{N}', '')], ignoreMerges: true, addBos: true },
  {
    names: ['gpt-4o', 'llama4', 'kanana2', 'talkie', 'minimax-m2'],
    patterns: [caseRuns('\\p{N}{1,3}', `(?:${contraction})?`)],
  },
  {
    names: ['deepseek-coder'],
    patterns: [
      compile('[\\r\\n]'),
      compile(`${space}?\\p{L}+`),
      compile(`${space}?\\p{P}+`),
      compile('[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+'),
      compile('\\p{N}'),
    ],
  },
  { names: ['qwen35'], patterns: [llama3Like('\\p{N}', '\\p{L}\\p{M}')] },
];

const byName = new Map(
  splittings.flatMap((splitting) => splitting.names.map((name) => [name, splitting] as const)),
);

/** Names that `preTokenizer` knows. */
export const preTokenizerNames: readonly string[] = [...byName.keys()];

/** How one vocabulary splits text into the words that merges stay within. */
export interface PreTokenizer {
  readonly name: string;
  readonly ignoreMerges: boolean;
  readonly addBos: boolean;
  /** Calls `word` for each piece in order; the pieces concatenate to `text`. */
  split(text: string, word: (piece: string) => void): void;
}

/** Pieces of `text` under the patterns from `stage` on: matches, and what lies between them. */
function splitStage(
  text: string,
  patterns: readonly RegExp[],
  stage: number,
  word: (piece: string) => void,
): void {
  const pattern = patterns[stage];
  if (pattern === undefined) {
    word(text);
    return;
  }
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) splitStage(text.slice(from, match.index), patterns, stage + 1, word);
    splitStage(match[0], patterns, stage + 1, word);
    from = match.index + match[0].length;
  }
  if (from < text.length) splitStage(text.slice(from), patterns, stage + 1, word);
}

/** @throws CheckpointError `TOKENIZER` for a name it does not know */
export function preTokenizer(name: string): PreTokenizer {
  const splitting = byName.get(name);
  if (splitting === undefined) {
    throw new CheckpointError(
      'TOKENIZER',
      `metadata "tokenizer.ggml.pre": the pre-tokenizer ${quoted(name)} is not supported; supported: ${preTokenizerNames.join(', ')}`,
    );
  }
  const { patterns, ignoreMerges = false, addBos = false } = splitting;
  return { name, ignoreMerges, addBos, split: (text, word) => splitStage(text, patterns, 0, word) };
}
