import { readFile, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type EditLogLine, openEditModel } from '@triptych/aurora';
import { lossCurveSvg } from '@triptych/graph';
import { writeFileAtomically } from '@triptych/media';
import { generatorVersion } from '@triptych/world';
import { GROUPS, type ResultRow, TASKS } from './results.js';
import {
  ADAMW,
  ARMS,
  BASE_STEPS,
  BATCH,
  CHANGED_WEIGHT,
  EXAMPLES,
  FALL_FRACTION,
  LAST_WINDOW,
  PUBLISHED,
  PURE_NOISE_SHARE,
  SIDE,
  scheduleFor,
  WINDOW,
} from './settings.js';
import { keepLog, logOf } from './training-log.js';
import { runFolder } from './work-folder.js';

export interface CardOptions {
  readonly work: string;
  /** Folder of the published model. */
  readonly model: string;
  /** Folder of \`aurora.json\`. */
  readonly results: string;
  readonly steps: number;
}

/** Writes the model card, the training log and the loss curve beside the published model. */
export async function writeCard({ work, model, results, steps }: CardOptions): Promise<void> {
  const log = await logOf(runFolder(work, PUBLISHED.arm, PUBLISHED.seed));
  const rows = JSON.parse(await readFile(join(results, 'aurora.json'), 'utf8')) as ResultRow[];
  await writeFileAtomically(join(model, 'loss.svg'), lossCurve(log));
  await keepLog(log, join(model, 'log.jsonl'));
  const sections = [
    INTRODUCTION,
    await architecture(join(model, PUBLISHED.name)),
    resultsSection(rows),
    DATA,
    trainingSection(log, steps),
    LIMITS,
  ];
  await writeFileAtomically(join(model, 'README.md'), `${sections.join('\n\n')}\n`);
}

const INTRODUCTION = `# ${PUBLISHED.name}

The edit model that comes with Triptych. It changes pictures of a toy world (a few plain solids on a coloured floor) as an
English sentence says: colours, sizes, shapes, moves, relations, counts, falls. It is a demonstration of AURORA's recipe, not
AURORA's model: everything that made it (world, data, tokenizer, training, export) is a command in this repository and ran
on two cores. It knows nothing of photographs. Licence of the weights: Apache-2.0.`;

async function architecture(folder: string): Promise<string> {
  const { config, hash, defaults, tokenizer } = await openEditModel(folder);
  const sizes = await Promise.all(
    ['unet/diffusion_pytorch_model.safetensors', 'text_encoder/model.safetensors'].map(
      async (file) => (await stat(join(folder, file))).size,
    ),
  );
  const { unet, textEncoder } = config;
  return `## Model

\`${PUBLISHED.name}/\`, laid out as a diffusers folder: ${count(sizes.reduce((a, b) => a + b))} bytes of F16 weights, about ${(sizes.reduce((a, b) => a + b) / 2e6).toFixed(1)} M parameters, SHA-256
\`${hash}\`.

- \`UNet2DConditionModel\`, widths ${unet.block_out_channels.join(' and ')}, over 4 x 4 blocks of pixels as 48 channels (no autoencoder); it predicts
  where to change the source, what of it to cover, and the paint
- \`CLIPTextModel\`, ${textEncoder.num_hidden_layers} layers of width ${textEncoder.hidden_size}, trained with it; ${tokenizer.vocabSize} tokens, one for each word of the world's wordings
- trained at ${SIDE} x ${SIDE}; other multiples of 8 run, worse the further they are from that
- by default ${defaults.steps} step${defaults.steps === 1 ? '' : 's'} of ${defaults.sampler}, text guidance ${defaults.textGuidance}, image guidance ${defaults.imageGuidance} (chosen on validation scenes)`;
}

function resultsSection(rows: readonly ResultRow[]): string {
  const metrics = ['object-success', 'progress', 'preservation-mse', 'disc-edit'] as const;
  const cell = (task: string, metric: string): string => {
    const row = rows.find((one) => one.arm === PUBLISHED.arm && one.task === task && one.metric === metric);
    if (row === undefined) return '';
    return metric === 'preservation-mse' ? (1000 * row.mean).toFixed(2) : (100 * row.mean).toFixed(1);
  };
  const lines = [...TASKS, ...Object.keys(GROUPS)].map(
    (task) => `| ${task} | ${metrics.map((metric) => cell(task, metric)).join(' | ')} |`,
  );
  const known = rows.find(({ arm, task }) => arm === PUBLISHED.arm && task === TASKS[0]);
  return `## Result

Arm ${PUBLISHED.arm} of the comparison in \`docs/aurora.md\` (trainings: ${known?.seeds}; this model is seed ${PUBLISHED.seed}), on ${known?.n} held-out rows per task:
object-level success in %, progress on pixels that should change in %, mean squared error on pixels that should not (x 1000),
DiscEdit in %.

| task | success | progress | error | DiscEdit |
|---|---|---|---|---|
${lines.join('\n')}`;
}

const DATA = `## Data

${count(EXAMPLES * ARMS[PUBLISHED.arm].length)} examples from rendered pairs of \`@triptych/world\` (generator version ${generatorVersion}): sets ${ARMS[PUBLISHED.arm].join(' and ')}, drawn equally
often. Every pair passed the world's minimality checks. Some pairs of colour and shape never occur, for the benchmark.`;

function trainingSection(log: readonly EditLogLine[], steps: number): string {
  const last = log.at(-1);
  if (last === undefined) throw new Error('the training log is empty');
  const { peak, warmupSteps } = scheduleFor(steps);
  const [cpu] = cpus();
  return `## Training

\`npm run -w @triptych/recipes edit -- data base\`, then \`... train --arm ${PUBLISHED.arm} --seed ${PUBLISHED.seed} --steps ${steps}\`. Bits depend on the number of
threads (base and this run: 2); a stopped run goes on with identical results.

- the base first: ${count(BASE_STEPS)} steps on attribute and global examples alone, kept in \`packages/recipes/edit/base\`
- ${count(last.step)} steps of ${BATCH} examples, ${count(last.step * BATCH)} in all; ${Math.round(last.seconds / 60)} minutes of wall time on at most ${cpus().length} cores of ${cpu?.model.trim()} with
  ${Math.round(totalmem() / 2 ** 30)} GiB, beside other work
- float32 on ONNX Runtime; matrices and convolutions by Muon, all else by AdamW (betas ${ADAMW.beta1} and ${ADAMW.beta2}), decay ${ADAMW.weightDecay}; running
  average of the weights
- learning rate ${peak}: ${warmupSteps} steps of warm-up, a plateau, a linear fall over the last ${100 * FALL_FRACTION} % of the steps
- windows of ${WINDOW.width} x ${WINDOW.height} pixels, ${LAST_WINDOW.width} x ${LAST_WINDOW.height} in the fall
- squared error of the predicted clean picture and cross-entropy of the mask of changes, changed pixels ${CHANGED_WEIGHT} times as heavy;
  ${100 * PURE_NOISE_SHARE} % of the examples at pure noise

![loss by step](loss.svg)

[log.jsonl](log.jsonl) has every tenth step with the mean loss of ten; the base's is \`packages/recipes/edit/base/log.jsonl\`.`;
}

const LIMITS = `## Limits

A toy: it edits pictures of its own world, often not well (see the table), and turns photographs into blurs. English only, and
only words the world's sentences are made of.`;

function lossCurve(log: readonly EditLogLine[]): string {
  const every = Math.max(1, Math.floor(log.length / 150));
  const points = log.flatMap(({ step }, index) => {
    if ((index + 1) % every !== 0) return [];
    const recent = log.slice(Math.max(0, index + 1 - 5 * every), index + 1);
    return [{ step, value: recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length }];
  });
  return lossCurveSvg(`${PUBLISHED.name}: training loss`, 'weighted squared error', [
    { name: 'training (running mean)', colour: '#1f5fa8', points },
  ]);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
