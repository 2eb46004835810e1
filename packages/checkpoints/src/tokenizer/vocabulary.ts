import { CheckpointError, quoted } from '../errors.js';
import { type AnyMetadata, booleanAt, numberAt, numbersAt, stringsAt } from '../gguf/values.js';
import { controlTexts, endOfGenerationTexts, userDefinedTexts } from './special-texts.js';

/** Kinds of tokens, numbered as in `tokenizer.ggml.token_type`. */
export const tokenKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What distinguishes the families of tokenizers when a key is missing. */
export interface VocabularyDefaults {
  readonly bosId?: number;
  readonly eosId?: number;
  readonly unknownId?: number;
  readonly addBos: boolean;
}

/** The checked token list of a GGUF file with its special tokens. */
export interface Vocabulary {
  readonly texts: readonly string[];
  /** Token kind by id. */
  readonly kinds: Uint8Array;
  readonly idOf: ReadonlyMap<string, number>;
  readonly bosId?: number;
  readonly eosId?: number;
  readonly unknownId?: number;
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly endOfGeneration: ReadonlySet<number>;
}

const prefix = 'tokenizer.ggml.';

function readTexts(metadata: AnyMetadata): readonly string[] {
  const texts = stringsAt(metadata, `${prefix}tokens`);
  if (texts === undefined || texts.length === 0) {
    throw new CheckpointError(
      'TOKENIZER',
      'metadata "tokenizer.ggml.tokens" is missing: the file has no vocabulary',
    );
  }
  return texts.map((text, id) => (text === '' ? `[EMPTY_${id}]` : text)); // as llama.cpp names them
}

function indexTexts(texts: readonly string[]): Map<string, number> {
  const idOf = new Map<string, number>();
  for (const [id, text] of texts.entries()) {
    const other = idOf.get(text);
    if (other !== undefined) {
      throw new CheckpointError(
        'TOKENIZER',
        `metadata "tokenizer.ggml.tokens": ${quoted(text)} is both ${other} and ${id}`,
      );
    }
    idOf.set(text, id);
  }
  return idOf;
}

function readKinds(metadata: AnyMetadata, tokenCount: number): Uint8Array {
  const types = numbersAt(metadata, `${prefix}token_type`);
  if (types === undefined) return new Uint8Array(tokenCount).fill(tokenKind.normal);
  if (types.length !== tokenCount) {
    throw new CheckpointError(
      'TOKENIZER',
      `metadata "tokenizer.ggml.token_type" has ${types.length} entries for ${tokenCount} tokens`,
    );
  }
  return Uint8Array.from(types, (type) => (type >= 0 && type <= 6 ? type : 0));
}

/** The id under `key`; one outside the vocabulary counts as absent, as in llama.cpp. */
function readId(
  metadata: AnyMetadata,
  key: string,
  tokenCount: number,
  fallback?: number,
): number | undefined {
  const id = numberAt(metadata, `${prefix}${key}_token_id`) ?? fallback;
  return id !== undefined && Number.isInteger(id) && id >= 0 && id < tokenCount ? id : undefined;
}

/** Ids that end a generation: those the file names, and those whose text says so (files often omit them). */
function findEndOfGeneration(
  metadata: AnyMetadata,
  idOf: ReadonlyMap<string, number>,
  named: (number | undefined)[],
) {
  const ids = new Set<number>(named.filter((id) => id !== undefined));
  for (const key of ['eot', 'eom', 'fim_pad', 'fim_rep', 'fim_sep']) {
    const id = readId(metadata, key, idOf.size);
    if (id !== undefined) ids.add(id);
  }
  for (const text of endOfGenerationTexts) {
    const id = idOf.get(text);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** Corrects the kinds of tokens that many converters mark wrongly, as llama.cpp does when loading. */
function correctKinds(kinds: Uint8Array, idOf: ReadonlyMap<string, number>): void {
  const mark = (texts: readonly string[], kind: number): void => {
    for (const text of texts) {
      const id = idOf.get(text);
      if (id !== undefined) kinds[id] = kind;
    }
  };
  mark(endOfGenerationTexts, tokenKind.control);
  mark(controlTexts, tokenKind.control);
  mark(userDefinedTexts, tokenKind.userDefined);
}

/**
 * Reads and checks the vocabulary.
 *
 * @throws CheckpointError `TOKENIZER` or `GGUF_METADATA` naming the key
 */
export function readVocabulary(metadata: AnyMetadata, defaults: VocabularyDefaults): Vocabulary {
  const texts = readTexts(metadata);
  const idOf = indexTexts(texts);
  const kinds = readKinds(metadata, texts.length);
  correctKinds(kinds, idOf);
  const bosId = readId(metadata, 'bos', texts.length, defaults.bosId);
  const eosId = readId(metadata, 'eos', texts.length, defaults.eosId);
  const unknownId = readId(metadata, 'unknown', texts.length, defaults.unknownId);
  const addBos = booleanAt(metadata, `${prefix}add_bos_token`) ?? defaults.addBos;
  const addEos = booleanAt(metadata, `${prefix}add_eos_token`) ?? false;
  if (addBos && bosId === undefined) {
    throw new CheckpointError(
      'TOKENIZER',
      'a BOS token is to be added but "tokenizer.ggml.bos_token_id" names none',
    );
  }
  if (addEos && eosId === undefined) {
    throw new CheckpointError(
      'TOKENIZER',
      'an EOS token is to be added but "tokenizer.ggml.eos_token_id" names none',
    );
  }
  return {
    texts,
    kinds,
    idOf,
    addBos,
    addEos,
    endOfGeneration: findEndOfGeneration(metadata, idOf, [eosId]),
    ...(bosId === undefined ? {} : { bosId }),
    ...(eosId === undefined ? {} : { eosId }),
    ...(unknownId === undefined ? {} : { unknownId }),
  };
}
