/**
 * Makes the tokenizer fixtures and their golden token ids with llama.cpp (through node-llama-cpp, which
 * `npm run bench:setup` installs):
 *
 *   node tools/oracles/tokenizers.mjs [--fixtures] [--peer <folder with node_modules>]
 *
 * With `--fixtures` the vocabularies are trained again first (on the READMEs in node_modules, so a new version of a
 * package gives other vocabularies); without, the committed ones are used. Every golden file says which oracle made it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  f32,
  inputMetadata,
  openGguf,
  trainByteLevelBpe,
  u32,
  writeGguf,
} from '../../packages/checkpoints/dist/index.js';
import { texts } from './tokenizers/texts.mjs';
import { trainSentencePiece } from './tokenizers/train-sentence-piece.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const fixtures = path.join(root, 'packages/checkpoints/fixtures');
const { values: args } = parseArgs({ options: { fixtures: { type: 'boolean' }, peer: { type: 'string' } } });

/** Multilingual prose and code: READMEs that arrive with the development dependencies. */
function corpus() {
  const biome = path.join(root, 'node_modules/@biomejs/biome');
  const files = fs
    .readdirSync(biome)
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(biome, name));
  for (const name of ['hono', 'zod', 'fast-check', 'openai']) {
    files.push(path.join(root, 'node_modules', name, 'README.md'));
  }
  return files
    .sort()
    .map((file) => fs.readFileSync(file, 'utf8').slice(0, 40_000))
    .join('\n');
}

/** Keys that llama.cpp wants before it looks at the vocabulary; the models have no weights. */
const model = (tokenCount) => [
  ['general.architecture', 'llama'],
  ['general.name', 'tokenizer fixture'],
  ['llama.context_length', u32(512)],
  ['llama.embedding_length', u32(32)],
  ['llama.block_count', u32(1)],
  ['llama.feed_forward_length', u32(32)],
  ['llama.attention.head_count', u32(1)],
  ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
  ['llama.vocab_size', u32(tokenCount)],
];

async function makeSentencePiece(text) {
  const options = {
    mergeCount: 2000,
    control: ['<s>', '</s>', '<|im_start|>', '<|im_end|>'],
    userDefined: ['[TOOL]', '[/TOOL]'],
  };
  const tokens = trainSentencePiece(text, options);
  const metadata = new Map([
    ...model(tokens.length),
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens.map((token) => token.text)],
    ['tokenizer.ggml.scores', Float32Array.from(tokens, (token) => token.score)],
    ['tokenizer.ggml.token_type', Int32Array.from(tokens, (token) => token.kind)],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.unknown_token_id', u32(0)],
  ]);
  await writeGguf(path.join(fixtures, 'sentence-piece.gguf'), { metadata, tensors: [] });
}

async function makeBytePair(text) {
  const specialTokens = ['<|endoftext|>', '<s>', '</s>', '<|im_start|>', '<|im_end|>', '[TOOL]', '[/TOOL]'];
  const trained = await trainByteLevelBpe({ texts: [text], vocabSize: 2500, specialTokens });
  const kinds = Int32Array.from(trained.tokens, (_, id) => (id < 5 ? 3 : id < 7 ? 4 : 1));
  const metadata = new Map([
    ...model(trained.tokens.length),
    ...trained.metadata,
    ['tokenizer.ggml.token_type', kinds],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
  ]);
  await writeGguf(path.join(fixtures, 'byte-pair.gguf'), { metadata, tensors: [] });
}

/** What is compared: a fixture with some keys changed. `tokens` replaces single tokens by id. */
const variants = [
  { name: 'sentence-piece', base: 'sentence-piece' },
  {
    name: 'sentence-piece-no-prefix',
    base: 'sentence-piece',
    keys: { 'tokenizer.ggml.add_space_prefix': false },
  },
  // A token that goes on after a word's end: merges may then cross words.
  { name: 'sentence-piece-crossing', base: 'sentence-piece', tokens: { 300: 'e▁t', 301: 'e▁', 302: ',▁' } },
  ...['default', 'gpt-2', 'smollm', 'llama-bpe', 'qwen2', 'qwen35', 'tekken', 'gpt-4o', 'deepseek-coder'].map(
    (pre) => ({
      name: `byte-pair-${pre}`,
      base: 'byte-pair',
      keys: { 'tokenizer.ggml.pre': pre },
    }),
  ),
];

/** A fixture's metadata in the writer's form, changed as the variant says. */
async function variantMetadata(variant) {
  const file = await openGguf(path.join(fixtures, `${variant.base}.gguf`));
  const metadata = inputMetadata(file);
  for (const [key, value] of Object.entries(variant.keys ?? {})) metadata.set(key, value);
  const tokens = metadata.get('tokenizer.ggml.tokens').map((text, id) => variant.tokens?.[id] ?? text);
  return metadata.set('tokenizer.ggml.tokens', tokens);
}

async function openOracle() {
  const folder = args.peer ?? path.join(root, 'benchmarks');
  const peer = path.join(path.resolve(folder), 'node_modules/node-llama-cpp');
  if (!fs.existsSync(peer))
    throw new Error('node-llama-cpp is not installed; run `npm run bench:setup` first');
  const { getLlama } = await import(pathToFileURL(path.join(peer, 'dist/index.js')).href);
  const { version } = JSON.parse(fs.readFileSync(path.join(peer, 'package.json'), 'utf8'));
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 1 });
  return { llama, oracle: `node-llama-cpp ${version} (llama.cpp ${llama.llamaCppRelease.release})` };
}

async function makeGolden(variant, { llama, oracle }, scratch) {
  const modelPath = path.join(scratch, `${variant.name}.gguf`);
  await writeGguf(modelPath, { metadata: await variantMetadata(variant), tensors: [] });
  const model = await llama.loadModel({ modelPath, vocabOnly: true });
  const cases = texts.map((text) => {
    const plain = model.tokenize(text, false);
    return { text, plain, special: model.tokenize(text, true), decoded: model.detokenize(plain, false) };
  });
  const addsBos = model.tokens.shouldPrependBosToken;
  await model.dispose();
  const about = {
    oracle,
    script: 'tools/oracles/tokenizers.mjs',
    date: new Date().toISOString().slice(0, 10),
  };
  // One case a line: differences between oracle versions can be read.
  const lines = cases.map(({ text, plain, special, decoded }) => {
    const isSame = plain.join() === special.join();
    return JSON.stringify([text, plain, isSame ? null : special, decoded === text ? null : decoded]);
  });
  const head = JSON.stringify({ ...about, variant, addsBos });
  fs.writeFileSync(path.join(fixtures, `${variant.name}.golden.jsonl`), `${[head, ...lines].join('\n')}\n`);
  console.log(variant.name, cases.length, 'texts');
}

fs.mkdirSync(fixtures, { recursive: true });
if (args.fixtures) {
  const text = corpus();
  await makeSentencePiece(text);
  await makeBytePair(text);
}
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizers-'));
try {
  const oracle = await openOracle();
  for (const variant of variants) await makeGolden(variant, oracle, scratch);
} finally {
  fs.rmSync(scratch, { recursive: true });
}
process.exit(0); // the oracle's threads would keep the process alive
