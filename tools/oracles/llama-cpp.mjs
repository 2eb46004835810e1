/**
 * Makes golden files with llama.cpp (through node-llama-cpp, which `npm run bench:setup` installs).
 *
 *   node tools/oracles/llama-cpp.mjs logits            packages/llm/fixtures/tiny-*.gguf and their *.logits.json
 *   node tools/oracles/llama-cpp.mjs greedy model.gguf packages/llm/fixtures/<model>.greedy.json
 *
 * Every golden file says which oracle and which script made it, and when.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { greedyPrompts } from './greedy-prompts.mjs';
import { probeSequences, tinyModels, tinyVocab, writeTinyModel } from './tiny-models.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const fixtures = path.join(root, 'packages/llm/fixtures');
const peer = path.join(root, 'benchmarks/node_modules/node-llama-cpp');

async function openOracle() {
  if (!fs.existsSync(peer))
    throw new Error('node-llama-cpp is not installed; run `npm run bench:setup` first');
  const { getLlama } = await import(pathToFileURL(path.join(peer, 'dist/index.js')).href);
  const { version } = JSON.parse(fs.readFileSync(path.join(peer, 'package.json'), 'utf8'));
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 1 });
  const provenance = {
    oracle: `node-llama-cpp ${version} (llama.cpp ${llama.llamaCppRelease.release})`,
    instructionSets: llama.systemInfo.trim(),
    script: 'tools/oracles/llama-cpp.mjs',
    date: new Date().toISOString().slice(0, 10),
  };
  return { llama, provenance };
}

/** Writes under a temporary name first: an interrupted run leaves no half golden file. */
function writeJson(file, value) {
  fs.writeFileSync(`${file}.tmp`, `${JSON.stringify(value)}\n`);
  fs.renameSync(`${file}.tmp`, file);
  console.log(`${path.relative(root, file)} ${(fs.statSync(file).size / 1000).toFixed(0)} kB`);
}

/** One sequence on plain attention (f16 cache) and one thread: the oracle's most predictable setting. */
async function withSequence(model, contextSize, use) {
  const context = await model.createContext({
    threads: 1,
    sequences: 1,
    contextSize,
    batchSize: contextSize,
    flashAttention: false,
  });
  try {
    return await use(context.getSequence());
  } finally {
    await context.dispose();
  }
}

/** Logits after every position of a token sequence: Float32Array [tokens, vocab]. */
function logitsOf(model, tokens, vocab) {
  return withSequence(model, 256, async (sequence) => {
    const outputs = await sequence.controlledEvaluate(
      tokens.map((token) => [token, { generateNext: { logits: true, options: { temperature: 0 } } }]),
    );
    const logits = new Float32Array(tokens.length * vocab);
    for (const [position, output] of outputs.entries()) {
      if (output?.next.logits?.size !== vocab)
        throw new Error(`position ${position}: not all logits came back`);
      for (const [token, logit] of output.next.logits) logits[position * vocab + token] = logit;
    }
    return logits;
  });
}

async function makeLogits() {
  const { llama, provenance } = await openOracle();
  fs.mkdirSync(fixtures, { recursive: true });
  for (const tiny of tinyModels) {
    const file = path.join(fixtures, `${tiny.name}.gguf`);
    await writeTinyModel(file, tiny);
    const model = await llama.loadModel({ modelPath: file });
    const sequences = [];
    for (const tokens of probeSequences()) {
      const logits = await logitsOf(model, tokens, tinyVocab);
      sequences.push({ tokens, logits: Buffer.from(logits.buffer).toString('base64') });
    }
    await model.dispose();
    writeJson(path.join(fixtures, `${tiny.name}.logits.json`), {
      ...provenance,
      model: `${tiny.name}.gguf`,
      vocab: tinyVocab,
      format: 'per sequence: token ids, and base64 of float32 little-endian logits [tokens, vocab]',
      sequences,
    });
  }
}

const continuationTokens = 64;

/** The most likely token again and again, with the two best logits of each step. */
function continueGreedily(model, prompt) {
  return withSequence(model, 512, async (sequence) => {
    const tokens = [];
    const best = [];
    let input = prompt;
    while (tokens.length < continuationTokens) {
      const last = input.length - 1;
      const outputs = await sequence.controlledEvaluate([
        ...input.slice(0, last),
        [
          input[last],
          { generateNext: { logits: { filter: { includeTop: 2 } }, options: { temperature: 0 } } },
        ],
      ]);
      const top = [...outputs[last].next.logits].sort((a, b) => b[1] - a[1]).slice(0, 2);
      tokens.push(top[0][0]);
      best.push(top);
      input = [top[0][0]];
    }
    return { tokens, best };
  });
}

async function makeGreedy(modelPath) {
  const { llama, provenance } = await openOracle();
  const model = await llama.loadModel({ modelPath });
  const name = path.basename(modelPath, '.gguf');
  const continuations = [];
  for (const text of greedyPrompts) {
    const prompt = model.tokenize(text);
    if (model.tokens.shouldPrependBosToken && model.tokens.bos !== null) prompt.unshift(model.tokens.bos);
    continuations.push({ text, prompt, ...(await continueGreedily(model, prompt)) });
  }
  writeJson(path.join(fixtures, `${name}.greedy.json`), {
    ...provenance,
    model: path.relative(root, path.resolve(modelPath)),
    modelSha256: createHash('sha256').update(fs.readFileSync(modelPath)).digest('hex'),
    format: `per prompt: its token ids, ${continuationTokens} greedy tokens, and per step the two best [token, logit]`,
    continuations,
  });
}

const [command, argument] = process.argv.slice(2);
if (command === 'logits') await makeLogits();
else if (command === 'greedy' && argument !== undefined) await makeGreedy(argument);
else {
  console.error('usage: node tools/oracles/llama-cpp.mjs logits | greedy <model.gguf>');
  process.exit(2);
}
// llama.cpp's threads would keep the process alive.
process.exit(0);
