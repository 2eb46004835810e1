/**
 * @module
 * Typed binding of the kernel benchmarks. Every function blocks the calling thread for the time it is given: for
 * benchmark processes only. Exported as `@triptych/native/bench`.
 */
import { loadAddon } from './addon.js';
import type { IsaName } from './program.js';

/** Peak instruction rate measured beside a kernel. */
export type PeakName = 'none' | 'vnni' | 'bf16' | 'int16-avx2' | 'int8-avx2' | 'amx' | 'fma';

interface CommonOptions {
  readonly isa: IsaName;
  readonly threads: number;
  /** How long to measure, 0..60. */
  readonly seconds: number;
  /** Inputs are cycled through so many bytes; above the last cache's size they come from memory. */
  readonly rotateBytes: number;
}

/** One linear layer y[rows, n] = x[rows, k] W[n, k]^T. */
export interface LinearBenchOptions extends CommonOptions {
  /** 0 F32, 1 F16, 2 Q4_0, 8 Q8_0, 30 BF16. */
  readonly ggmlType: number;
  readonly rows: number;
  readonly n: number;
  readonly k: number;
  readonly peak: PeakName;
}

/** One attention layer: `rows` new tokens (1 is decode) in each of `sequences`, after `past` cached ones. */
export interface AttentionBenchOptions extends CommonOptions {
  readonly cacheF32: boolean;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly sequences: number;
  readonly rows: number;
  readonly past: number;
  /** Also time the same over paged memory, blocks of so many tokens (a power of two >= 16) in random order. */
  readonly pagedBlockTokens?: number;
}

/** Runs side by side: element i of each array belongs to the same moment. */
export interface BenchSamples {
  readonly kernelSeconds: Float64Array;
  /** Plain read of as many bytes on the same threads, right after the kernel. */
  readonly readSeconds: Float64Array;
  /** Peak of all threads together, operations per second; a multiply and an add are two. */
  readonly peakOps: Float64Array;
  /** Attention over paged memory, right after the kernel; empty unless asked for. */
  readonly otherSeconds: Float64Array;
  /** Read by one run. */
  readonly bytes: number;
  /** Done by one run. */
  readonly ops: number;
}

interface BenchAddon {
  benchLinear(options: LinearBenchOptions): BenchSamples;
  benchAttention(options: AttentionBenchOptions): BenchSamples;
  benchRead(options: CommonOptions & { readonly sweepBytes: number }): Float64Array;
  benchPeak(options: PeakOptions & { readonly seconds: 0 }): number;
}

/** Which instruction, on how many threads at once. */
export interface PeakOptions {
  readonly isa: IsaName;
  readonly threads: number;
  readonly peak: Exclude<PeakName, 'none'>;
}

/** Throws a TypeError naming the field that is out of range, or when memory is short. */
export function benchLinear(options: LinearBenchOptions): BenchSamples {
  return (loadAddon() as unknown as BenchAddon).benchLinear(options);
}

/** Throws as {@link benchLinear}. */
export function benchAttention(options: AttentionBenchOptions): BenchSamples {
  return (loadAddon() as unknown as BenchAddon).benchAttention(options);
}

/** Plain read rates, bytes per second, of sweeps of `sweepBytes` through memory. */
export function benchRead(options: CommonOptions & { readonly sweepBytes: number }): Float64Array {
  return (loadAddon() as unknown as BenchAddon).benchRead(options);
}

/**
 * What an instruction reaches on all threads together, operations per second; a multiply and an add are two. 0 where the
 * processor does not have it. Takes some milliseconds; throws as {@link benchLinear}.
 */
export function benchPeak(options: PeakOptions): number {
  return (loadAddon() as unknown as BenchAddon).benchPeak({ ...options, seconds: 0 });
}
