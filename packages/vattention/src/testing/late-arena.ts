/**
 * @module
 * For tests: an arena whose background thread is as late as a thread can be, and reproducibly so.
 */
import { type ArenaHandle, COMMIT, type Ranges, RELEASE, type Work } from '@triptych/native';

interface Job {
  readonly ticket: number;
  readonly ranges: Ranges;
  readonly count: number;
}

/**
 * Wraps a real arena and does background work only when asked how far it is, and then only with probability
 * `promptness` per job; commits first, each kind in order, as the real thread does. `refuse` makes commits fail.
 */
export class LateArena implements ArenaHandle {
  refuse = false;
  readonly #arena: ArenaHandle;
  readonly #promptness: number;
  readonly #queues = new Map<Work, Job[]>([
    [COMMIT, []],
    [RELEASE, []],
  ]);
  readonly #submitted = new Map<Work, number>();
  readonly #completed = new Map<Work, number>();
  readonly #errors = new Map<string, number>();
  #random = 1;

  constructor(arena: ArenaHandle, promptness: number) {
    this.#arena = arena;
    this.#promptness = promptness;
  }

  submit(ranges: Ranges, count: number, work: Work): number {
    const ticket = (this.#submitted.get(work) ?? 0) + 1;
    this.#submitted.set(work, ticket);
    this.#queues.get(work)!.push({ ticket, ranges: ranges.slice(), count });
    return ticket;
  }

  completed(work: Work): number {
    while (this.#chance() < this.#promptness && this.#doOne());
    return this.#completed.get(work) ?? 0;
  }

  wait(work: Work, ticket: number): void {
    while ((this.#completed.get(work) ?? 0) < ticket && this.#doOne());
  }

  waitAsync(work: Work, ticket: number): Promise<void> {
    this.wait(work, ticket);
    return Promise.resolve();
  }

  takeError(work: Work, ticket: number): number {
    return this.#errors.get(`${work} ${ticket}`) ?? 0;
  }

  commit(ranges: Ranges, count: number): number {
    return this.refuse ? 28 : this.#arena.commit(ranges, count);
  }

  release(ranges: Ranges, count: number): number {
    return this.#arena.release(ranges, count);
  }

  expose(ranges: Ranges, count: number): number {
    return this.#arena.expose(ranges, count);
  }

  resident(): number {
    return this.#arena.resident();
  }

  read(offset: number, into: Uint8Array): number {
    return this.#arena.read(offset, into);
  }

  write(offset: number, from: Uint8Array): number {
    return this.#arena.write(offset, from);
  }

  close(): void {
    this.#arena.close();
  }

  #doOne(): boolean {
    const work = this.#queues.get(COMMIT)!.length > 0 ? COMMIT : RELEASE;
    const job = this.#queues.get(work)!.shift();
    if (job === undefined) return false;
    const error = work === COMMIT ? this.commit(job.ranges, job.count) : this.release(job.ranges, job.count);
    if (error !== 0) this.#errors.set(`${work} ${job.ticket}`, error);
    this.#completed.set(work, job.ticket);
    return true;
  }

  /** 0 to 1, the same sequence every time. */
  #chance(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647;
    return this.#random / 2_147_483_647;
  }
}
