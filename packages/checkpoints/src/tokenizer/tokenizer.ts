import { CheckpointError, quoted } from '../errors.js';
import { type AnyMetadata, booleanAt, stringAt, stringsAt } from '../gguf/values.js';
import { BytePairEncoder } from './bpe.js';
import { charsToBytes } from './byte-chars.js';
import { preTokenizer } from './pre-tokenize.js';
import { pieceBytes, SentencePieceEncoder } from './sentence-piece.js';
import { SpecialSplitter } from './special-split.js';
import { readVocabulary, tokenKind, type Vocabulary } from './vocabulary.js';

export interface EncodeOptions {
  /** Add BOS and EOS where the file asks for them. Default true. */
  readonly addSpecial?: boolean;
  /** Recognise control tokens written in the text (`<|im_end|>`). Default false: users could type them. */
  readonly parseSpecial?: boolean;
}

export interface DecodeOptions {
  /** Show control tokens by name instead of leaving them out. Default false. */
  readonly renderSpecial?: boolean;
}

/** Turns token ids into text as they arrive. */
export interface StreamDecoder {
  /** Text that became complete with this token; bytes of an unfinished character are held back. */
  push(id: number): string;
  /** What is still held back; an unfinished character becomes U+FFFD. The decoder can then be used afresh. */
  end(): string;
}

/** The tokenizer of one model. Instances cache words and are not shared between threads. */
export interface Tokenizer {
  readonly vocabSize: number;
  readonly bosId?: number;
  readonly eosId?: number;
  /** True for every token after which a generation stops (end of text, of turn, of message). */
  isEndOfGeneration(id: number): boolean;
  /** Token ids of a text. Lone surrogates count as U+FFFD. */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * Text of a whole sequence; bytes that are not UTF-8 become U+FFFD. The space that SentencePiece puts in front is
   * removed when the first token carries it (not after BOS: as llama.cpp does).
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** Decoder for a continuation: a leading space is kept. */
  streamDecoder(options?: DecodeOptions): StreamDecoder;
  /** The token as the vocabulary spells it (`Ġthe`, `▁the`, `<0x0A>`). */
  tokenText(id: number): string;
  /** The bytes that the token stands for; none for control tokens unless `renderSpecial`. */
  tokenBytes(id: number, options?: DecodeOptions): Uint8Array;
}

/** What distinguishes the kinds of tokenizers behind the common interface. */
export interface TokenizerKind {
  readonly vocabulary: Vocabulary;
  /** True if each stretch of text at the start or after a special token gets a space in front. */
  readonly addSpacePrefix: boolean;
  /** Appends the ids of ordinary text. */
  encodeText(text: string, output: number[]): void;
  /** Bytes of a normal token. */
  bytesOf(id: number): Uint8Array;
}

const empty = new Uint8Array(0);
const loneSurrogates = /\p{Surrogate}/gu;

class GgufTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bosId?: number;
  readonly eosId?: number;
  readonly #kind: TokenizerKind;
  readonly #special: SpecialSplitter;
  readonly #bytes: (Uint8Array | undefined)[];

  constructor(kind: TokenizerKind) {
    const { texts, bosId, eosId } = kind.vocabulary;
    this.vocabSize = texts.length;
    if (bosId !== undefined) this.bosId = bosId;
    if (eosId !== undefined) this.eosId = eosId;
    this.#kind = kind;
    this.#special = new SpecialSplitter(kind.vocabulary);
    this.#bytes = new Array<Uint8Array | undefined>(texts.length);
  }

  isEndOfGeneration(id: number): boolean {
    return this.#kind.vocabulary.endOfGeneration.has(id);
  }

  encode(text: string, { addSpecial = true, parseSpecial = false }: EncodeOptions = {}): number[] {
    const { vocabulary, addSpacePrefix } = this.#kind;
    const output: number[] = [];
    if (addSpecial && vocabulary.addBos) output.push(vocabulary.bosId!);
    let isAfterSpecial = true;
    for (const fragment of this.#special.split(text.replace(loneSurrogates, '\ufffd'), parseSpecial)) {
      if (typeof fragment === 'number') output.push(fragment);
      else this.#kind.encodeText(addSpacePrefix && isAfterSpecial ? ` ${fragment}` : fragment, output);
      isAfterSpecial = typeof fragment === 'number';
    }
    if (addSpecial && vocabulary.addEos) output.push(vocabulary.eosId!);
    return output;
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const pieces: Uint8Array[] = [];
    for (const id of ids) pieces.push(this.tokenBytes(id, options));
    const first = pieces[0];
    if (this.#kind.addSpacePrefix && first?.[0] === 0x20) pieces[0] = first.subarray(1);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(pieces));
  }

  streamDecoder(options: DecodeOptions = {}): StreamDecoder {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (id) => decoder.decode(this.tokenBytes(id, options), { stream: true }),
      end: () => decoder.decode(),
    };
  }

  tokenText(id: number): string {
    const text = this.#kind.vocabulary.texts[id];
    if (text === undefined) {
      throw new CheckpointError('TOKEN_ID', `token id ${id} is not in the vocabulary of ${this.vocabSize}`);
    }
    return text;
  }

  tokenBytes(id: number, { renderSpecial = false }: DecodeOptions = {}): Uint8Array {
    const text = this.tokenText(id);
    const kind = this.#kind.vocabulary.kinds[id];
    const isHidden = kind === tokenKind.control || kind === tokenKind.unknown;
    if (isHidden && !renderSpecial) return empty;
    this.#bytes[id] ??=
      isHidden || kind === tokenKind.userDefined ? Buffer.from(text, 'utf8') : this.#plainBytes(id);
    return this.#bytes[id];
  }

  #plainBytes(id: number): Uint8Array {
    const kind = this.#kind.vocabulary.kinds[id];
    if (kind === tokenKind.byte) return Uint8Array.of(Number.parseInt(this.tokenText(id).slice(3, 5), 16)); // <0x0A>
    return kind === tokenKind.normal ? this.#kind.bytesOf(id) : empty;
  }
}

function bytePairKind(metadata: AnyMetadata): TokenizerKind {
  const splitter = preTokenizer(stringAt(metadata, 'tokenizer.ggml.pre') ?? 'default');
  const merges = stringsAt(metadata, 'tokenizer.ggml.merges');
  if (merges === undefined) {
    throw new CheckpointError(
      'TOKENIZER',
      'metadata "tokenizer.ggml.merges" is missing: convert the model again',
    );
  }
  const vocabulary = readVocabulary(metadata, { bosId: 11, eosId: 11, addBos: splitter.addBos });
  const encoder = new BytePairEncoder(vocabulary, merges, splitter);
  return {
    vocabulary,
    addSpacePrefix: false,
    encodeText: (text, output) => encoder.encode(text, output),
    bytesOf: (id) => charsToBytes(vocabulary.texts[id]!),
  };
}

function sentencePieceKind(metadata: AnyMetadata): TokenizerKind {
  const vocabulary = readVocabulary(metadata, { bosId: 1, eosId: 2, unknownId: 0, addBos: true });
  const encoder = new SentencePieceEncoder(vocabulary, metadata);
  return {
    vocabulary,
    addSpacePrefix: booleanAt(metadata, 'tokenizer.ggml.add_space_prefix') ?? true,
    encodeText: (text, output) => encoder.encode(text, output),
    bytesOf: (id) => pieceBytes(vocabulary.texts[id]!),
  };
}

/**
 * Makes the tokenizer that a GGUF file describes: SentencePiece (`llama`) or byte-level BPE (`gpt2`).
 *
 * @throws CheckpointError `TOKENIZER` or `GGUF_METADATA` naming the key, also for kinds that are not supported
 */
export function createTokenizer(metadata: AnyMetadata): Tokenizer {
  const model = stringAt(metadata, 'tokenizer.ggml.model');
  if (model === 'llama') return new GgufTokenizer(sentencePieceKind(metadata));
  if (model === 'gpt2') return new GgufTokenizer(bytePairKind(metadata));
  if (model === undefined) {
    throw new CheckpointError(
      'TOKENIZER',
      'metadata "tokenizer.ggml.model" is missing: the file has no tokenizer',
    );
  }
  throw new CheckpointError(
    'TOKENIZER',
    `the tokenizer model ${quoted(model)} is not supported; supported: llama, gpt2`,
  );
}
