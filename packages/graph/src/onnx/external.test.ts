import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphRuntime } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add } from '../ops/elementwise.js';
import { gatherRows } from '../ops/gather.js';
import { input, parameter } from '../ops/leaf.js';
import { type ExternalTensor, exportOnnx } from './export.js';

let runtime: GraphRuntime;
let folder: string;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'external-'));
  const values = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
  const halves = Buffer.from(Uint16Array.of(0x3c00, 0xc000, 0x3800, 0).buffer); // 1, -2, 0.5, 0
  const brain = Buffer.from(Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0).buffer);
  // An odd start: offsets need no alignment.
  await writeFile(join(folder, 'weights.bin'), Buffer.concat([Buffer.from('abc'), values, halves, brain]));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const sum = { y: add(input('x', [4]), parameter('w', [4])) };
async function run(external: ExternalTensor, weightsFolder: string): Promise<number[]> {
  const session = await runtime.load(exportOnnx(sum, { external: new Map([['w', external]]) }), {
    weightsFolder,
  });
  const { y } = await session.run({ x: new Float32Array(4) });
  await session.release();
  return [...(y ?? [])];
}
const floats: ExternalTensor = { file: 'weights.bin', offset: 3, sizeBytes: 16, dtype: 'float32' };

/** Memory of this process that is not backed by files. */
function anonymousBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

describe('external weights', () => {
  it('are read in place, whatever their alignment, from a read-only folder', async () => {
    await chmod(folder, 0o555);
    expect(await run(floats, folder)).toEqual([1, 2, 3, 4]);
    expect(await run({ ...floats, offset: 19, sizeBytes: 8, dtype: 'float16' }, folder)).toEqual([
      1, -2, 0.5, 0,
    ]);
    expect(await run({ ...floats, offset: 27, sizeBytes: 8, dtype: 'bfloat16' }, folder)).toEqual([
      1, -2, 0.5, 0,
    ]);
    await chmod(folder, 0o755);
  });

  it('may lie beyond two gigabytes', async () => {
    const offset = 3_000_000_001;
    const sparse = await open(join(folder, 'large.bin'), 'w');
    await sparse.write(new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer), 0, 16, offset);
    await sparse.close();
    expect(await run({ ...floats, file: 'large.bin', offset }, folder)).toEqual([5, 6, 7, 8]);
  });

  it.runIf(process.platform === 'linux')('are mapped, not copied', async () => {
    const [rows, width] = [2 ** 20, 64];
    const sizeBytes = rows * width * 4; // 256 MB of zeros that occupy no disk
    const sparse = await open(join(folder, 'table.bin'), 'w');
    await sparse.truncate(sizeBytes);
    await sparse.close();
    const table = gatherRows(parameter('table', [rows, width]), input('rows', [2], 'int32'));
    const external: ExternalTensor = { file: 'table.bin', offset: 0, sizeBytes, dtype: 'float32' };
    const model = exportOnnx({ table }, { external: new Map([['table', external]]) });
    const before = anonymousBytes();
    const session = await runtime.load(model, { weightsFolder: folder });
    await session.run({ rows: Int32Array.of(0, rows - 1) });
    expect(anonymousBytes() - before).toBeLessThan(sizeBytes / 4);
  });

  it('are not inputs any more', () => {
    const { inputs } = exportOnnx(sum, { external: new Map([['w', floats]]) });
    expect(inputs.map(({ name }) => name)).toEqual(['x']);
  });

  it('are refused beyond the end of the file and outside the folder', async () => {
    await expect(run({ ...floats, offset: 1000 }, folder)).rejects.toMatchObject({ code: 'session_failed' });
    await expect(run({ ...floats, file: 'missing.bin' }, folder)).rejects.toMatchObject({
      code: 'session_failed',
    });
    const other = join(folder, 'linked');
    await mkdir(other);
    await symlink(join(folder, 'weights.bin'), join(other, 'weights.bin'));
    await expect(run(floats, other)).rejects.toThrow(/escapes/);
  });

  it('must fill their parameter', () => {
    const short = new Map([['w', { ...floats, sizeBytes: 12 }]]);
    expect(() => exportOnnx(sum, { external: short })).toThrow(
      /"w" of shape \[4\] needs 16 bytes of float32, got 12/,
    );
  });
});
