/**
 * @module
 * Prometheus metrics in a registry of their own. Totals and gauges are the engine's, read at each scrape;
 * latencies are taken here, where a request's arrival is known.
 */
import type { EngineStats, MemorySnapshot } from '@triptych/llm';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Models } from '../models.js';
import { counters, gatewayAliases, gauges, histograms, requestSuccess } from './names.js';

const labelNames = ['model_name'] as const;
type ModelLabel = (typeof labelNames)[number];

const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const interTokenBuckets = [0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5];
const tokenBuckets = [1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];

/** Latency observations of one request; times come from a monotonic clock in milliseconds. */
export interface RequestObserver {
  admitted(promptTokens: number): void;
  tokens(count: number): void;
  /** Call once, however the request ended. */
  ended(): void;
}

export class ServerMetrics {
  readonly registry: Registry = new Registry();
  readonly #models: Models;
  readonly #now: () => number;
  readonly #histograms: Record<keyof typeof histograms, Histogram<ModelLabel>>;

  constructor(models: Models, now: () => number = () => performance.now()) {
    this.#models = models;
    this.#now = now;
    this.#addGauges();
    this.#addCounters();
    const make = (key: keyof typeof histograms, buckets: number[]): Histogram<ModelLabel> =>
      new Histogram({ ...histograms[key], labelNames, buckets, registers: [this.registry] });
    this.#histograms = {
      timeToFirstToken: make('timeToFirstToken', latencyBuckets),
      interTokenLatency: make('interTokenLatency', interTokenBuckets),
      endToEnd: make('endToEnd', latencyBuckets),
      queueTime: make('queueTime', latencyBuckets),
      promptTokens: make('promptTokens', tokenBuckets),
      generationTokens: make('generationTokens', tokenBuckets),
    };
  }

  /** Starts the clock of a request. */
  observe(modelName: string): RequestObserver {
    const now = this.#now;
    const toSeconds = (sinceMs: number): number => (now() - sinceMs) / 1000;
    const of = (key: keyof typeof histograms): ReturnType<Histogram<ModelLabel>['labels']> =>
      this.#histograms[key].labels(modelName);
    const interToken = of('interTokenLatency');
    const arrivedAt = now();
    let lastTokenAt: number | undefined;
    let generated = 0;
    return {
      admitted: (promptTokens) => {
        of('queueTime').observe(toSeconds(arrivedAt));
        of('promptTokens').observe(promptTokens);
      },
      tokens: (count) => {
        if (count === 0) return;
        generated += count;
        if (lastTokenAt === undefined) of('timeToFirstToken').observe(toSeconds(arrivedAt));
        // Tokens held back for a stop string or half a character arrive together: share the gap.
        else for (let i = 0; i < count; i++) interToken.observe(toSeconds(lastTokenAt) / count);
        lastTokenAt = now();
      },
      ended: () => {
        of('endToEnd').observe(toSeconds(arrivedAt));
        of('generationTokens').observe(generated);
      },
    };
  }

  #addGauges(): void {
    const add = (
      info: { name: string; help: string },
      read: (stats: EngineStats, memory: MemorySnapshot) => number,
    ): void => {
      const models = this.#models;
      new Gauge({
        ...info,
        labelNames,
        registers: [this.registry],
        collect() {
          for (const engine of models.ready()) {
            this.set({ model_name: engine.info.id }, read(engine.stats(), engine.memory()));
          }
        },
      });
    };
    for (const names of [gauges, gatewayAliases]) {
      add(names.running, (stats) => stats.running);
      add(names.waiting, (stats) => stats.waiting);
      add(names.kvUsage, (_stats, memory) => kvUsage(memory));
    }
    add(gauges.kvReservedBytes, (_stats, memory) => memory.reservedBytes);
    add(gauges.kvBudgetBytes, (_stats, memory) => memory.budgetBytes);
    add(gauges.kvCommittedBytes, (_stats, memory) => memory.committedBytes);
    add(gauges.kvNeededBytes, (_stats, memory) => memory.neededBytes);
    add(gauges.kvResidentBytes, (_stats, memory) => memory.residentBytes);
    add(gauges.kvActiveSlots, (_stats, memory) => activeSlots(memory).length);
  }

  #addCounters(): void {
    const models = this.#models;
    const add = (info: { name: string; help: string }, read: (stats: EngineStats) => number): void => {
      new Counter({
        ...info,
        labelNames,
        registers: [this.registry],
        collect() {
          this.reset();
          forEachEngine(models, (id, stats) => this.inc({ model_name: id }, read(stats)));
        },
      });
    };
    add(counters.promptTokens, (stats) => stats.promptTokensTotal);
    add(counters.generationTokens, (stats) => stats.generatedTokensTotal);
    add(counters.preemptions, (stats) => stats.preemptionsTotal);
    add(counters.engineSteps, (stats) => stats.stepsTotal);
    add(counters.engineStepSeconds, (stats) => stats.stepMsTotal / 1000);
    add(counters.kvStepSeconds, (stats) => stats.kvStepMsTotal / 1000);
    new Counter({
      ...requestSuccess,
      labelNames: [...labelNames, 'finished_reason'],
      registers: [this.registry],
      collect() {
        this.reset();
        forEachEngine(models, (id, stats) => {
          for (const [reason, count] of Object.entries(stats.finishedTotal)) {
            this.inc({ model_name: id, finished_reason: reason }, count);
          }
        });
      },
    });
  }
}

function forEachEngine(models: Models, visit: (id: string, stats: EngineStats) => void): void {
  for (const engine of models.ready()) visit(engine.info.id, engine.stats());
}

function activeSlots(memory: MemorySnapshot): MemorySnapshot['slots'] {
  return memory.slots.filter((slot) => slot.state === 'active');
}

function kvUsage(memory: MemorySnapshot): number {
  // All slots at full length may need less than the budget allows.
  const most = Math.min(memory.budgetBytes, memory.reservedBytes);
  if (most === 0) return 0;
  const held = activeSlots(memory).reduce((sum, slot) => sum + slot.committedBytes, 0);
  return held / most;
}
