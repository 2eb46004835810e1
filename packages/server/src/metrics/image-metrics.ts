/**
 * @module
 * Prometheus metrics of the image panel; they exist only where the panel does.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { imageCounters, imageEdits, imageGauges, imageHistograms } from './names.js';

const labelNames = ['model_name'] as const;
const secondBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** How an edit ended. */
export type EditEnd = 'completed' | 'cancelled' | 'failed';

/** Observes one edit. */
export interface EditObserver {
  /** Its turn has come. */
  started(): void;
  step(): void;
  /** Call once, however it ended. */
  ended(end: EditEnd): void;
}

export class ImageMetrics {
  readonly #now: () => number;
  readonly #running: Gauge<'model_name'>;
  readonly #waiting: Gauge<'model_name'>;
  readonly #steps: Counter<'model_name'>;
  readonly #edits: Counter<'model_name' | 'finished_reason'>;
  readonly #queueTime: Histogram<'model_name'>;
  readonly #endToEnd: Histogram<'model_name'>;

  constructor(registry: Registry, now: () => number = () => performance.now()) {
    const common = { labelNames, registers: [registry] };
    this.#now = now;
    this.#running = new Gauge({ ...imageGauges.running, ...common });
    this.#waiting = new Gauge({ ...imageGauges.waiting, ...common });
    this.#steps = new Counter({ ...imageCounters.steps, ...common });
    this.#edits = new Counter({ ...imageEdits, ...common, labelNames: [...labelNames, 'finished_reason'] });
    this.#queueTime = new Histogram({ ...imageHistograms.queueTime, ...common, buckets: secondBuckets });
    this.#endToEnd = new Histogram({ ...imageHistograms.endToEnd, ...common, buckets: secondBuckets });
  }

  /** Starts the clock of an edit that has arrived. */
  observe(modelName: string): EditObserver {
    const label = { model_name: modelName };
    const arrivedAt = this.#now();
    const passed = (): number => (this.#now() - arrivedAt) / 1000;
    let state = this.#waiting;
    state.inc(label);
    return {
      started: () => {
        this.#waiting.dec(label);
        state = this.#running;
        state.inc(label);
        this.#queueTime.observe(label, passed());
      },
      step: () => this.#steps.inc(label),
      ended: (end) => {
        state.dec(label);
        this.#edits.inc({ ...label, finished_reason: end });
        this.#endToEnd.observe(label, passed());
      },
    };
  }
}
