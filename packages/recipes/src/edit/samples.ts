import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  depthToSpace,
  type EditModelConfig,
  noisyScale,
  openPairCache,
  PIXEL_CHANNELS,
  spaceToDepth,
  wholeNetwork,
} from '@triptych/aurora';
import { readClipTokenizer } from '@triptych/checkpoints';
import {
  exportOnnx,
  type GraphRuntime,
  input,
  type Parameters,
  Random,
  type SampleGrid,
  type Session,
} from '@triptych/graph';
import { encodeImage, type Raster, writeFileAtomically } from '@triptych/media';
import { alphasCumprod, createSampler, type SchedulerConfig } from '@triptych/nets';
import { SIDE } from './settings.js';
import { cachePath, tokenizerFolder } from './work-folder.js';

/** Columns of a grid: validation examples from both kinds of sets. */
const COLUMNS = 16;
const STEPS = 2;
const GAP = 2;

interface Examples {
  readonly source: Float32Array;
  readonly target: Float32Array;
  readonly ids: Int32Array;
  readonly instructions: readonly string[];
}

/** Paints source, result and target of the same validation examples, to see a run learn. */
export class SamplePainter {
  private readonly session: Session;
  private readonly scheduler: SchedulerConfig;
  private readonly examples: Examples;
  private readonly folder: string;

  private constructor(session: Session, scheduler: SchedulerConfig, examples: Examples, folder: string) {
    this.session = session;
    this.scheduler = scheduler;
    this.examples = examples;
    this.folder = folder;
  }

  static async create(
    runtime: GraphRuntime,
    config: EditModelConfig,
    work: string,
    folder: string,
  ): Promise<SamplePainter> {
    const shape = [COLUMNS, PIXEL_CHANNELS, SIDE / 4, SIDE / 4];
    const { clean } = wholeNetwork(config, {
      noisy: input('noisy', shape),
      source: input('source', shape),
      timestep: input('timestep', [COLUMNS]),
      ids: input('ids', [COLUMNS, config.textEncoder.max_position_embeddings], 'int32'),
    });
    const session = await runtime.load(exportOnnx({ clean }));
    const samples = join(folder, 'samples');
    await mkdir(samples, { recursive: true });
    return new SamplePainter(session, config.scheduler, await readExamples(work), samples);
  }

  /** Edits by DDIM in few steps without guidance, and keeps the grid. */
  async paint(step: number, parameters: Parameters): Promise<void> {
    const { source, target, ids, instructions } = this.examples;
    const random = new Random(0);
    const alphas = alphasCumprod(this.scheduler);
    const sampler = createSampler(this.scheduler, { steps: STEPS });
    let sample: Float32Array = Float32Array.from(source, () => random.normal());
    for (const [index, time] of sampler.timesteps.entries()) {
      const timestep = new Float32Array(COLUMNS).fill(time);
      const factor = noisyScale(alphas, time);
      const noisy = sample.map((value) => factor * value);
      const { clean } = await this.session.run({ noisy, source, timestep, ids }, parameters);
      sample = sampler.advance({ index, prediction: clean ?? new Float32Array(), sample });
    }
    const png = await encodeImage(gridOf([source, sample, target]));
    const name = String(step).padStart(6, '0');
    await writeFileAtomically(join(this.folder, `${name}.png`), png);
    await writeFileAtomically(join(this.folder, 'instructions.json'), JSON.stringify(instructions));
  }

  /** All grids so far, for the log page. */
  async samples(): Promise<SampleGrid[]> {
    const names = (await readdir(this.folder)).filter((name) => /^\d+\.png$/.test(name)).sort();
    const caption = `source, result, target. ${this.examples.instructions.join(' | ')}`;
    return await Promise.all(
      names.map(async (name) => ({
        step: Number.parseInt(name, 10),
        caption,
        image: `data:image/png;base64,${(await readFile(join(this.folder, name))).toString('base64')}`,
      })),
    );
  }
}

async function readExamples(work: string): Promise<Examples> {
  const tokenizer = await readClipTokenizer(tokenizerFolder(work));
  const size = 3 * SIDE * SIDE;
  const source = new Float32Array(COLUMNS * size);
  const target = new Float32Array(COLUMNS * size);
  const instructions: string[] = [];
  const ids: number[] = [];
  for (const [half, set] of ['validation-attribute', 'validation-action'].entries()) {
    const cache = await openPairCache(cachePath(work, set));
    for (const [i, example] of cache.examples.slice(0, COLUMNS / 2).entries()) {
      const offset = ((half * COLUMNS) / 2 + i) * size;
      spaceToDepth(await cache.picture(example.source), SIDE, SIDE, source, offset);
      spaceToDepth(await cache.picture(example.target), SIDE, SIDE, target, offset);
      instructions.push(example.instruction);
      ids.push(...tokenizer.encode(example.instruction));
    }
    await cache.close();
  }
  return { source, target, instructions, ids: Int32Array.from(ids) };
}

function gridOf(rows: readonly Float32Array[]): Raster {
  const width = COLUMNS * (SIDE + GAP) - GAP;
  const height = rows.length * (SIDE + GAP) - GAP;
  const data = new Uint8Array(3 * width * height).fill(255);
  const size = 3 * SIDE * SIDE;
  for (const [row, pictures] of rows.entries()) {
    for (let column = 0; column < COLUMNS; column++) {
      const rgb = depthToSpace(pictures.subarray(column * size, (column + 1) * size), SIDE, SIDE);
      for (let y = 0; y < SIDE; y++) {
        const to = (row * (SIDE + GAP) + y) * width + column * (SIDE + GAP);
        data.set(rgb.subarray(3 * y * SIDE, 3 * (y + 1) * SIDE), 3 * to);
      }
    }
  }
  return { width, height, channels: 3, data };
}
