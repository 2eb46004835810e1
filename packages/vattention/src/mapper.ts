/**
 * @module
 * Which page groups of which slot hold memory, and the jobs that change it. Mechanism only: what to grow and what to
 * shrink is decided in `memory.ts` and `policy/`.
 *
 * A slot holds its first page groups in each of its 2N tensors, so one number per slot describes it:
 * `ready <= held`, where the difference is being committed in the background. Every group that is held, or was and
 * is not back at the system yet, is counted; so the count is never below the file's blocks.
 */
import { type ArenaHandle, COMMIT, NUMBERS_PER_RANGE, RELEASE } from '@triptych/native';
import { type KvGeometry, tokensIn } from './geometry.js';
import type { Growth } from './policy/look-ahead.js';

const UNBOUNDED = 2 ** 31 - 1;

interface CommitJob {
  readonly ticket: number;
  readonly entries: { readonly slot: number; from: number; to: number }[];
}

interface ReleaseJob {
  readonly ticket: number;
  readonly slot: number;
  readonly groups: number;
}

export class Mapper {
  /** By slot: page groups per tensor that are committed or being committed. */
  readonly held: Int32Array;
  /** By slot: page groups per tensor that can be used now. */
  readonly ready: Int32Array;
  /** By slot: tokens that `ready` and `held` groups hold; without bound when that is a whole slot. */
  readonly readyTokens: Int32Array;
  readonly heldTokens: Int32Array;
  /** By slot: ticket of the last release under way, 0 for none. */
  readonly releasing: Float64Array;
  /** Groups that are being given back, all slots. */
  releasingGroups = 0;
  /** Groups that the system did not take back; they stay counted, so that the budget holds. */
  lostGroups = 0;
  /** Sum of `held`. */
  heldGroups = 0;
  readonly counts = { commitsNow: 0, commitsAhead: 0, releases: 0, waits: 0, refusals: 0 };

  readonly #arena: ArenaHandle;
  readonly #geometry: KvGeometry;
  readonly #ranges: Float64Array;
  readonly #commits: CommitJob[] = [];
  readonly #releases: ReleaseJob[] = [];
  /** Guard mode changes protections as it goes, so nothing may run behind its back. */
  readonly #synchronous: boolean;

  constructor(arena: ArenaHandle, geometry: KvGeometry, synchronous: boolean) {
    this.#arena = arena;
    this.#geometry = geometry;
    this.#synchronous = synchronous;
    this.held = new Int32Array(geometry.slots);
    this.ready = new Int32Array(geometry.slots);
    this.readyTokens = new Int32Array(geometry.slots);
    this.heldTokens = new Int32Array(geometry.slots);
    this.releasing = new Float64Array(geometry.slots);
    this.#ranges = new Float64Array(geometry.slots * NUMBERS_PER_RANGE);
  }

  /** Everything that counts against the budget. */
  get countedGroups(): number {
    return this.heldGroups + this.releasingGroups + this.lostGroups;
  }

  /** Whether background work is under way. */
  get busy(): boolean {
    return this.#commits.length > 0 || this.#releases.length > 0;
  }

  /** Commits at once; all or nothing. The slots have no work under way. False when the system refuses. */
  commitNow(growth: readonly Growth[]): boolean {
    for (const [i, { slot, groups }] of growth.entries()) this.#range(i, slot, this.held[slot]!, groups);
    this.counts.commitsNow++;
    if (this.#arena.commit(this.#ranges, growth.length) !== 0) {
      this.counts.refusals++;
      return false;
    }
    for (const { slot, groups } of growth) {
      this.#hold(slot, groups);
      this.#makeReady(slot, groups);
    }
    return true;
  }

  /** Commits in the background. The slots have no work under way. */
  commitAhead(growth: readonly Growth[]): void {
    if (growth.length === 0) return;
    const entries = growth.map(({ slot, groups }) => ({ slot, from: this.held[slot]!, to: groups }));
    for (const [i, { slot, from, to }] of entries.entries()) {
      this.#range(i, slot, from, to);
      this.#hold(slot, to);
    }
    this.counts.commitsAhead++;
    this.#commits.push({ ticket: this.#arena.submit(this.#ranges, growth.length, COMMIT), entries });
    if (this.#synchronous) this.flush();
  }

  /** Gives back what `slot` holds beyond its first `groups` groups, in the background. Returns the groups. */
  shrink(slot: number, groups: number): number {
    const before = this.held[slot]!;
    if (groups >= before) return 0;
    for (const { entries } of this.#commits) {
      const entry = entries.find((candidate) => candidate.slot === slot);
      if (entry === undefined) continue;
      // The release below runs after this commit; what the commit will have added is only what stays.
      entry.from = Math.min(entry.from, groups);
      entry.to = Math.min(entry.to, groups);
    }
    this.#range(0, slot, groups, before);
    if (groups === 0) this.#ranges.set([slot * this.#geometry.slotBytes, this.#geometry.slotBytes, 0, 1]);
    this.#hold(slot, groups);
    this.#makeReady(slot, Math.min(this.ready[slot]!, groups));
    const ticket = this.#arena.submit(this.#ranges, 1, RELEASE);
    this.counts.releases++;
    this.releasing[slot] = ticket;
    this.releasingGroups += before - groups;
    this.#releases.push({ ticket, slot, groups: before - groups });
    if (this.#synchronous) this.flush();
    return before - groups;
  }

  /** Takes note of the background work that has finished. */
  settle(): void {
    if (!this.busy) return;
    // Asked in this order, a release that has finished is never noted before the commits that went ahead of it.
    const released = this.#arena.completed(RELEASE);
    this.#settleCommits(this.#arena.completed(COMMIT));
    this.#settleReleases(released);
  }

  /** Waits until the work under way for `slot` has ended, one way or the other. */
  waitFor(slot: number): void {
    for (const { ticket, entries } of this.#commits) {
      if (entries.some((entry) => entry.slot === slot)) this.#wait(COMMIT, ticket);
    }
    if (this.releasing[slot]! > 0) this.#wait(RELEASE, this.releasing[slot]!);
    this.settle();
  }

  /** Waits until everything that was given back is back. */
  waitForReleases(): void {
    const last = this.#releases.at(-1);
    if (last !== undefined) this.#wait(RELEASE, last.ticket);
    this.settle();
  }

  /** Forgets the background work under way: the arena is closed and will not do it. */
  abandon(): void {
    this.#commits.length = 0;
    this.#releases.length = 0;
  }

  /** Waits for all background work. */
  flush(): void {
    const last = this.#commits.at(-1);
    if (last !== undefined) this.#wait(COMMIT, last.ticket);
    this.waitForReleases();
  }

  /** The same without blocking the event loop. */
  async flushAsync(): Promise<void> {
    while (this.busy) {
      await this.#arena.waitAsync(COMMIT, this.#commits.at(-1)?.ticket ?? 0);
      await this.#arena.waitAsync(RELEASE, this.#releases.at(-1)?.ticket ?? 0);
      this.settle();
    }
  }

  #wait(work: typeof COMMIT | typeof RELEASE, ticket: number): void {
    this.counts.waits++;
    this.#arena.wait(work, ticket);
  }

  #settleCommits(completed: number): void {
    for (let job = this.#commits[0]; job !== undefined && job.ticket <= completed; job = this.#commits[0]) {
      this.#commits.shift();
      const refused = this.#arena.takeError(COMMIT, job.ticket) !== 0;
      if (refused) this.counts.refusals++;
      for (const { slot, from, to } of job.entries) {
        if (refused) this.#hold(slot, from);
        else this.#makeReady(slot, to);
      }
    }
  }

  #settleReleases(completed: number): void {
    for (let job = this.#releases[0]; job !== undefined && job.ticket <= completed; job = this.#releases[0]) {
      this.#releases.shift();
      if (this.releasing[job.slot] === job.ticket) this.releasing[job.slot] = 0;
      this.releasingGroups -= job.groups;
      if (this.#arena.takeError(RELEASE, job.ticket) !== 0) this.lostGroups += job.groups;
    }
  }

  #hold(slot: number, groups: number): void {
    this.heldGroups += groups - this.held[slot]!;
    this.held[slot] = groups;
    this.heldTokens[slot] = this.#tokens(groups);
  }

  #makeReady(slot: number, groups: number): void {
    this.ready[slot] = groups;
    this.readyTokens[slot] = this.#tokens(groups);
  }

  #tokens(groups: number): number {
    return groups === this.#geometry.groupsPerTensor ? UNBOUNDED : tokensIn(this.#geometry, groups);
  }

  /** Page groups [from, to) of every tensor of a slot. */
  #range(index: number, slot: number, from: number, to: number): void {
    const { slotBytes, tensorBytes, tensors, pageGroupBytes } = this.#geometry;
    const at = index * NUMBERS_PER_RANGE;
    this.#ranges[at] = slot * slotBytes + from * pageGroupBytes;
    this.#ranges[at + 1] = (to - from) * pageGroupBytes;
    this.#ranges[at + 2] = tensorBytes;
    this.#ranges[at + 3] = tensors;
  }
}
