/** Estimates the time left from the steps done. */
export class StepClock {
  readonly #total: number;
  readonly #now: () => number;
  #startedAt: number | undefined;
  #done = 0;

  /** @param total steps of all results together; `now` in milliseconds, monotonic */
  constructor(total: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#now = now;
  }

  /**
   * One more step is done. The seconds left, undefined after the first step: that one also prepared the networks, so
   * only later ones tell how long a step takes.
   */
  step(): number | undefined {
    this.#done += 1;
    const now = this.#now();
    this.#startedAt ??= now;
    if (this.#done >= this.#total) return 0;
    if (this.#done === 1) return undefined;
    const perStep = (now - this.#startedAt) / (this.#done - 1);
    return ((this.#total - this.#done) * perStep) / 1000;
  }
}
