/**
 * Linear layers alone, at the shape of the 1.1B model's gate and up projections (k 2048, n 5632).
 *
 * Each run of the kernel is followed by a plain read of as many bytes on the same threads, and the peak of the
 * instruction set is measured every few milliseconds. Ratios are medians over these pairs: the memory bandwidth of a
 * shared machine has states that differ by nearly two, so figures of different minutes do not compare.
 */
import { availableIsas, cpuQuota, loadAddon } from '@triptych/native';
import { benchLinear } from '@triptych/native/bench';
import { measureQuietly } from './quiet.mjs';
import { int8Peak } from './roofline.mjs';
import { median } from './statistics.mjs';

const ggmlTypes = { f32: 0, f16: 1, q4_0: 2, q8_0: 8, bf16: 30 };
const shape = { n: 5632, k: 2048 };

/** Where time must go: reading the weights, or computing at the instruction set's peak. */
const limits = {
  read: {
    name: 'plain read of as many bytes',
    seconds: ({ readSeconds }, i) => readSeconds[i],
  },
  peak: {
    name: 'peak of the instruction',
    seconds: ({ ops, peakOps }, i) => ops / peakOps[i],
  },
  roofline: {
    name: 'roofline: the longer of read and peak',
    seconds: (samples, i) => Math.max(limits.read.seconds(samples, i), limits.peak.seconds(samples, i)),
  },
};

function rows(best) {
  const hasPeak = best !== 'portable';
  const top = hasPeak ? 'peak' : 'read';
  const list = [];
  const add = (name, type, m, limit, { isa = best, peak = int8Peak(isa, type) } = {}) =>
    list.push({ name: `linear/${name}`, type, rows: m, limit, isa, peak });
  for (const type of ['q8_0', 'q4_0']) {
    add(`${type}/m1`, type, 1, 'read');
    for (const m of [2, 4, 8, 16]) add(`${type}/m${m}`, type, m, hasPeak ? 'roofline' : 'read');
    for (const m of [64, 512]) add(`${type}/m${m}`, type, m, top);
    if (best === 'amx') {
      add(`${type}/m512/avx512`, type, 512, 'peak', { isa: 'avx512' });
      add(`${type}/m8/avx512`, type, 8, 'roofline', { isa: 'avx512' });
      add(`${type}/m512/amx-peak`, type, 512, 'peak', { peak: 'amx' });
    }
    if (best !== 'portable') {
      add(`${type}/m1/avx2`, type, 1, 'roofline', { isa: 'avx2' });
      add(`${type}/m512/avx2`, type, 512, 'peak', { isa: 'avx2' });
    }
    if (best !== 'avxvnni' && availableIsas().includes('avxvnni')) {
      // What a client processor without AVX-512 would run, on one that has both.
      for (const [m, limit] of [
        [1, 'read'],
        [8, 'roofline'],
        [512, 'peak'],
      ])
        add(`${type}/m${m}/avxvnni`, type, m, limit, { isa: 'avxvnni', peak: 'vnni' });
    }
    add(`${type}/m1/portable`, type, 1, 'read', { isa: 'portable' });
  }
  for (const type of ['f16', 'bf16', 'f32']) {
    add(`${type}/m1`, type, 1, 'read', { peak: 'none' });
    if (!hasPeak) continue;
    add(`${type}/m512`, type, 512, 'peak', {
      peak: type === 'bf16' && best === 'avx512bf16' ? 'bf16' : 'fma',
    });
  }
  if (availableIsas().includes('avx512bf16')) {
    // Whether vdpbf16ps pays: the same layer with it and with f32 multiply-adds, both against the latter's peak.
    add('bf16/m512/avx512', 'bf16', 512, 'peak', { isa: 'avx512', peak: 'fma' });
    add('bf16/m512/avx512bf16', 'bf16', 512, 'peak', { isa: 'avx512bf16', peak: 'fma' });
  }
  return list;
}

/** @param {{row: Function, only?: string, quick: boolean, signal: AbortSignal}} bench */
export async function run({ row, only, quick, signal }) {
  const threads = cpuQuota();
  for (const item of rows(loadAddon().isa)) {
    if (only !== undefined && !item.name.includes(only)) continue;
    signal.throwIfAborted();
    // Compute-bound rows do not feel where weights come from; the others must read them from memory.
    const rotateBytes = item.rows >= 64 ? 128 << 20 : quick ? 512 << 20 : 1536 << 20;
    const options = {
      ...shape,
      ggmlType: ggmlTypes[item.type],
      rows: item.rows,
      isa: item.isa,
      threads,
      seconds: quick ? 0.3 : 1.5,
      rotateBytes,
      peak: item.peak,
    };
    const { results, otherLoad } = await measureQuietly({ count: 1, signal }, () => benchLinear(options));
    const [samples] = results;
    const limit = limits[item.limit];
    const ratio = median(samples.kernelSeconds.map((seconds, i) => limit.seconds(samples, i) / seconds));
    const seconds = median(samples.kernelSeconds);
    const perRun = item.limit === 'read' ? samples.bytes : samples.ops;
    const value = perRun / seconds / 1e9;
    row({
      name: item.name,
      value,
      unit: item.limit === 'read' ? 'GB/s' : 'GOP/s',
      against: value / ratio,
      ratio,
      limit: item.limit === 'read' || item.peak === 'none' ? limit.name : `${limit.name} (${item.peak})`,
      readGBs: samples.bytes / median(samples.readSeconds) / 1e9,
      peakGops: median(samples.peakOps) / 1e9,
      microseconds: seconds * 1e6,
      isa: item.isa,
      threads,
      otherLoad,
      samples: samples.kernelSeconds.length,
    });
  }
}
