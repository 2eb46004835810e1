/**
 * Attention of one layer at the 1.1B model's shape (32 query heads, 4 KV heads, head dim 64; f16 cache, f32
 * arithmetic; caches from memory, as after the other layers). With 8 query heads per KV head every cached byte feeds 8
 * operations: where f32 FMA is fast and memory slow, decode is bound by reading, so each row also says how near it
 * comes to its roofline (`ofRoofline`). Each run has the FMA peak and a plain read of the cache measured beside it.
 */
import { cpuQuota, loadAddon } from '@triptych/native';
import { benchAttention } from '@triptych/native/bench';
import { measureQuietly } from './quiet.mjs';
import { median } from './statistics.mjs';

const shape = { queryHeads: 32, kvHeads: 4, headDim: 64 };

function rows(best) {
  const list = [];
  const add = (name, sequences, rows, past, extra = {}) =>
    list.push({ name: `attention/${name}`, sequences, rows, past, isa: best, cacheF32: false, ...extra });
  add('decode/b8/ctx2048', 8, 1, 2047);
  // The same tiles from caches: what decode is without waiting for memory.
  add('decode/b1/ctx2048/in-cache', 1, 1, 2047, { rotateBytes: 0 });
  add('prefill512/past8192', 1, 512, 8192);
  add('decode/b1/ctx2048', 1, 1, 2047);
  add('decode/b1/ctx8192', 1, 1, 8191);
  add('decode/b8/ctx256', 8, 1, 255);
  add('decode/b16/ctx256', 16, 1, 255);
  add('prefill512/past0', 1, 512, 0);
  add('prefill16/past2048', 1, 16, 2048);
  add('decode/b8/ctx2048/f32cache', 8, 1, 2047, { cacheF32: true });
  if (best !== 'portable' && best !== 'avx2') {
    add('decode/b8/ctx2048/avx2', 8, 1, 2047, { isa: 'avx2' });
    add('prefill512/past8192/avx2', 1, 512, 8192, { isa: 'avx2' });
  }
  return list;
}

/** The comparison vAttention is about: the same kernels over blocks in random order. */
function pagedRows(best) {
  const shapes = [
    { what: 'decode', sequences: 8, rows: 1, past: 2047 },
    { what: 'prefill', sequences: 1, rows: 512, past: 2048 },
  ];
  return [16, 64, 256].flatMap((pagedBlockTokens) =>
    shapes.map(({ what, ...item }) => ({
      name: `attention/paged${pagedBlockTokens}/${what}`,
      isa: best,
      cacheF32: false,
      pagedBlockTokens,
      ...item,
    })),
  );
}

/** Against the FMA peak. */
function peakRow({ ops, bytes, kernelSeconds, readSeconds, peakOps }, isa) {
  const value = ops / median(kernelSeconds) / 1e9;
  const readGBs = bytes / median(readSeconds) / 1e9;
  if (isa === 'portable') return { value, unit: 'GFLOP/s', readGBs };
  const ratio = median(kernelSeconds.map((seconds, i) => ops / peakOps[i] / seconds));
  const ofRoofline = median(
    kernelSeconds.map((seconds, i) => Math.max(readSeconds[i], ops / peakOps[i]) / seconds),
  );
  const limit = `f32 FMA peak (${ofRoofline.toFixed(2)} of the roofline)`;
  return { value, unit: 'GFLOP/s', against: value / ratio, ratio, limit, readGBs, ofRoofline };
}

/** Time over paged memory against time over contiguous memory. */
function pagedRow({ bytes, kernelSeconds, readSeconds, otherSeconds }) {
  const value = median(otherSeconds) * 1e6;
  const ratio = median(otherSeconds.map((seconds, i) => seconds / kernelSeconds[i]));
  const readGBs = bytes / median(readSeconds) / 1e9;
  const limit = 'contiguous memory, the same kernels';
  return { value, unit: 'us', against: value / ratio, ratio, limit, readGBs };
}

/** @param {{row: Function, only?: string, quick: boolean, signal: AbortSignal}} bench */
export async function run({ row, only, quick, signal }) {
  const threads = cpuQuota();
  const isa = loadAddon().isa;
  for (const { name, ...item } of [...rows(isa), ...pagedRows(isa)]) {
    if (only !== undefined && !name.includes(only)) continue;
    signal.throwIfAborted();
    const options = {
      ...shape,
      threads,
      seconds: quick ? 0.3 : 2,
      rotateBytes: quick ? 256 << 20 : 1024 << 20,
      ...item,
    };
    const { results, otherLoad } = await measureQuietly({ count: 1, signal }, () => benchAttention(options));
    const [samples] = results;
    row({
      name,
      ...(item.pagedBlockTokens === undefined ? peakRow(samples, item.isa) : pagedRow(samples)),
      microseconds: median(samples.kernelSeconds) * 1e6,
      isa: item.isa,
      threads,
      otherLoad,
      samples: samples.kernelSeconds.length,
    });
  }
}
