/**
 * @module
 * Typed view of the native arena: address space reserved once, memory given to it and taken from it by ranges.
 * Nothing here counts or decides; `@triptych/vattention` does.
 */
import { getSystemErrorName } from 'node:util';
import { loadAddon } from './addon.js';

/** Numbers per range in a {@link Ranges} buffer: offset, length, stride, count. */
export const NUMBERS_PER_RANGE = 4;

/**
 * Ranges as [offset, length, stride, count] quadruples, all in bytes but the count: `count` runs of `length`
 * bytes, the i-th at `offset + i * stride`. Offsets, lengths and strides are multiples of {@link pageBytes}.
 */
export type Ranges = Float64Array;

/** The two kinds of background work, each a first-in-first-out queue with tickets 1, 2, ... */
export const COMMIT = false;
export const RELEASE = true;
export type Work = typeof COMMIT | typeof RELEASE;

/**
 * An open arena. Methods that can fail return 0 or a positive errno value (see {@link systemErrorName}) and never
 * throw. The object itself is the handle that other parts of the addon accept.
 */
export interface ArenaHandle {
  /** Unmaps and frees everything, once background work at hand has ended. Later calls answer EBADF. */
  close(): void;
  /** Backs ranges that hold no memory, with zeros; all or nothing. Does not touch the pages. */
  commit(ranges: Ranges, count: number): number;
  /** Gives the ranges' memory back to the system. */
  release(ranges: Ranges, count: number): number;
  /**
   * Guard mode: in each window of `stride` bytes the first `length` bytes (any number) become accessible, to page
   * precision, and the rest not; from `length` to the end of its page all bytes become 0xFF.
   */
  expose(ranges: Ranges, count: number): number;
  /**
   * Queues the same work for the arena's thread and returns its ticket (0: wrong arguments). Commits also enter
   * the pages into the page tables, and go before releases.
   */
  submit(ranges: Ranges, count: number, work: Work): number;
  /** The last finished ticket; all before it are finished too. */
  completed(work: Work): number;
  /** Blocks until a ticket is finished. */
  wait(work: Work, ticket: number): void;
  /** Resolves when a ticket is finished; waits on libuv's pool. */
  waitAsync(work: Work, ticket: number): Promise<void>;
  /** How a finished job ended; a failure is told once. */
  takeError(work: Work, ticket: number): number;
  /** Bytes the system holds for this arena (file blocks or resident pages), or a negative errno value. */
  resident(): number;
  /** Copies out of the arena, for tests and tools. Reading memory that is not committed allocates it. */
  read(offset: number, into: Uint8Array): number;
  /** Copies into the arena, for tests and tools. */
  write(offset: number, from: Uint8Array): number;
}

/** This area's part of the addon. */
export interface PagesAddon {
  readonly Arena: new () => ArenaHandle & {
    open(sizeBytes: number, anonymous: boolean, guard: boolean): number;
  };
  readonly pageBytes: number;
}

/** How an arena holds its memory: a sparse memory file (Linux) or private anonymous memory (anywhere). */
export type Backing = 'memfd' | 'anonymous';

export interface ArenaOptions {
  /** Address space to reserve, a multiple of {@link pageBytes}. Holds no memory until committed. */
  readonly sizeBytes: number;
  readonly backing: Backing;
  /** Nothing is accessible until `expose` says so. */
  readonly guard: boolean;
}

/** Opens an arena, or returns the positive errno value why not (ENOSYS: no memory files on this system). */
export function openArena(options: ArenaOptions): ArenaHandle | number {
  const arena = new (loadAddon().Arena)();
  return arena.open(options.sizeBytes, options.backing === 'anonymous', options.guard) || arena;
}

/** Bytes of one page of this system. */
export function pageBytes(): number {
  return loadAddon().pageBytes;
}

/** `ENOSPC` for 28, and so on. */
export function systemErrorName(errno: number): string {
  return getSystemErrorName(-errno);
}
