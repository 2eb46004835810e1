/**
 * @module
 * The options of KV memory, their measured defaults, and the opening of the arena behind it.
 */
import { type ArenaHandle, type Backing, openArena, systemErrorName } from '@triptych/native';
import { defaultKvBudgetBytes } from './budget.js';
import { KvError } from './errors.js';
import { type KvGeometry, type KvGeometryOptions, kvGeometry } from './geometry.js';

export interface KvMemoryOptions {
  readonly geometry: KvGeometryOptions;
  /** Most bytes ever held. Default {@link defaultKvBudgetBytes}. */
  readonly budgetBytes?: number;
  /** Tokens committed ahead of each running sequence, in the background. 0 turns it off. */
  readonly lookAheadTokens?: number;
  /** Whether a released slot keeps its memory for the next sequence, until that memory is wanted elsewhere. */
  readonly deferredReclaim?: boolean;
  /** Idle slots are reclaimed in the background when less than this share of the budget is free. Range 0..1. */
  readonly freeShare?: number;
  /** Keep one idle slot committed for a sequence of this many tokens. 0 turns it off. */
  readonly eagerTokens?: number;
  /** Default: `memfd` where the system has it, else `anonymous`. */
  readonly backing?: Backing;
  /**
   * Debugging: memory beyond each sequence's length (of keys: its last block) is inaccessible (to page precision; up to
   * the page's end it reads as NaN), so a kernel that reads too far dies instead of reading what is not there. Slow.
   */
  readonly guard?: boolean;
}

/** Measured: see the tables in this package's README. */
export const KV_DEFAULTS = {
  lookAheadTokens: 8,
  deferredReclaim: true,
  freeShare: 0.1,
  eagerTokens: 0,
} as const;

export interface KvSettings {
  readonly geometry: KvGeometry;
  readonly budgetBytes: number;
  readonly lookAheadTokens: number;
  readonly deferredReclaim: boolean;
  readonly freeShare: number;
  readonly eagerTokens: number;
  readonly backing: Backing;
  readonly guard: boolean;
}

/** Checks the options and fills in defaults. Throws `KvError` that names the field. */
export function kvSettings(options: KvMemoryOptions): Omit<KvSettings, 'backing'> {
  const geometry = kvGeometry(options.geometry);
  const { backing } = options;
  if (backing !== undefined && backing !== 'memfd' && backing !== 'anonymous') {
    throw invalid('backing', backing, '"memfd" or "anonymous"');
  }
  const settings = {
    geometry,
    budgetBytes: options.budgetBytes ?? defaultKvBudgetBytes(),
    lookAheadTokens: options.lookAheadTokens ?? Math.min(KV_DEFAULTS.lookAheadTokens, geometry.maxTokens),
    deferredReclaim: options.deferredReclaim ?? KV_DEFAULTS.deferredReclaim,
    freeShare: options.freeShare ?? KV_DEFAULTS.freeShare,
    eagerTokens: options.eagerTokens ?? KV_DEFAULTS.eagerTokens,
    guard: options.guard ?? false,
  };
  const { budgetBytes, lookAheadTokens, freeShare, eagerTokens } = settings;
  if (!Number.isSafeInteger(budgetBytes) || budgetBytes < geometry.groupRowBytes) {
    throw invalid(
      'budgetBytes',
      budgetBytes,
      `at least ${geometry.groupRowBytes}, one page group in each tensor`,
    );
  }
  tokens('lookAheadTokens', lookAheadTokens, geometry);
  tokens('eagerTokens', eagerTokens, geometry);
  if (!(freeShare >= 0 && freeShare <= 1)) throw invalid('freeShare', freeShare, 'from 0 to 1');
  return settings;
}

/** Opens the wanted backing; without a wish the memory file, and anonymous memory where there are no memory files. */
export function openBacking(
  geometry: KvGeometry,
  guard: boolean,
  wish: Backing | undefined,
): { readonly arena: ArenaHandle; readonly backing: Backing } {
  let error = 0;
  for (const backing of wish === undefined ? (['memfd', 'anonymous'] as const) : [wish]) {
    const arena = openArena({ sizeBytes: geometry.reservedBytes, backing, guard });
    if (typeof arena !== 'number') return { arena, backing };
    error = arena;
  }
  throw new KvError(
    'reservation_failed',
    `The system refused to reserve ${geometry.reservedBytes} bytes of address space (${systemErrorName(error)}): ` +
      'lower slots or maxTokens, or raise "ulimit -v"',
  );
}

function tokens(field: string, value: number, geometry: KvGeometry): void {
  if (!Number.isInteger(value) || value < 0 || value > geometry.maxTokens) {
    throw invalid(field, value, `a whole number from 0 to maxTokens (${geometry.maxTokens})`);
  }
}

function invalid(field: string, value: unknown, range: string): KvError {
  return new KvError('invalid_argument', `${field} must be ${range}, not ${String(value)}`);
}
