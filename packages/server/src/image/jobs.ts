/**
 * @module
 * Long edits without an open connection: started, asked about, fetched or cancelled. In this process and in memory
 * only; the interface is small so that a queue on other machines can take its place.
 */
import { randomUUID } from 'node:crypto';
import { ApiError, toApiError, unavailable } from '../errors.js';
import { EditCollector, type EditRunner, type RunEvent } from './edit-run.js';
import type { JobReply } from './edit-schema.js';
import type { ImageEditRequest } from './source.js';

/** How much is kept. */
export interface JobLimits {
  /** Jobs, finished ones included. */
  readonly maxImageJobs: number;
  /** Bytes of all results together. */
  readonly maxImageJobBytes: number;
  /** Time from a job's end to its removal. */
  readonly imageJobLifeMs: number;
}

interface Job {
  readonly controller: AbortController;
  reply: JobReply;
  resultBytes: number;
  timer: NodeJS.Timeout | undefined;
}

const cancelled = (): ApiError =>
  new ApiError('The job was cancelled.', {
    status: 409,
    type: 'invalid_request_error',
    code: 'job_cancelled',
  });

/** The jobs of one server. */
export class ImageJobs {
  readonly #runner: EditRunner;
  readonly #limits: JobLimits;
  readonly #onFailure: (error: ApiError) => void;
  readonly #jobs = new Map<string, Job>();

  /** `onFailure` is told of failures that are the server's, for the log. */
  constructor(runner: EditRunner, limits: JobLimits, onFailure: (error: ApiError) => void) {
    this.#runner = runner;
    this.#limits = limits;
    this.#onFailure = onFailure;
  }

  /** Starts a job. Throws `ApiError` 503 when the queue is full or too many jobs are unfinished. */
  start(request: ImageEditRequest): JobReply {
    this.#runner.queue.assertRoom();
    this.#makeRoom();
    const job: Job = {
      controller: new AbortController(),
      reply: {
        id: `edit-${randomUUID().replaceAll('-', '')}`,
        status: 'queued',
        step: 0,
        steps: 0,
        index: 0,
        n: request.n,
        eta_seconds: null,
      },
      resultBytes: 0,
      timer: undefined,
    };
    this.#jobs.set(job.reply.id, job);
    void this.#run(job, request);
    return job.reply;
  }

  /** Throws `ApiError` 404 for a job that does not exist or is no longer kept. */
  get(id: string): JobReply {
    return this.#find(id).reply;
  }

  /** Stops a job; a finished one is forgotten. Its last state. Throws `ApiError` 404. */
  cancel(id: string): JobReply {
    const job = this.#find(id);
    if (isUnfinished(job)) {
      job.controller.abort(cancelled());
      job.reply = { ...job.reply, status: 'cancelled', eta_seconds: null };
    } else this.#drop(id, job);
    return job.reply;
  }

  /** Stops and forgets everything. */
  close(reason: Error): void {
    for (const [id, job] of this.#jobs) {
      job.controller.abort(reason);
      this.#drop(id, job);
    }
  }

  async #run(job: Job, request: ImageEditRequest): Promise<void> {
    const { signal } = job.controller;
    const collector = new EditCollector(request);
    try {
      await this.#runner.run(request, signal, (event) => {
        // What comes after a cancel changes nothing any more.
        if (signal.aborted) return;
        if (event.type === 'image') job.resultBytes += event.bytes.byteLength;
        collector.add(event);
        job.reply = { ...job.reply, ...stateAfter(event) };
      });
      if (!signal.aborted) {
        job.reply = {
          ...job.reply,
          status: 'completed',
          eta_seconds: null,
          result: collector.response(),
        };
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(job, toApiError(error));
    }
    this.#retire(job);
  }

  #fail(job: Job, error: ApiError): void {
    if (error.status >= 500) this.#onFailure(error);
    job.reply = { ...job.reply, status: 'failed', eta_seconds: null, error: error.body().error };
  }

  /** A job has ended: it is kept for a while, unless results take too much memory. */
  #retire(job: Job): void {
    const { id } = job.reply;
    if (this.#jobs.get(id) !== job) return;
    job.timer = setTimeout(() => this.#drop(id, job), this.#limits.imageJobLifeMs);
    job.timer.unref();
    const total = (): number => [...this.#jobs.values()].reduce((sum, one) => sum + one.resultBytes, 0);
    // The newest result is kept however large it is: somebody waits for it.
    while (total() > this.#limits.maxImageJobBytes && this.#dropOldest(job));
  }

  #makeRoom(): void {
    if (this.#jobs.size < this.#limits.maxImageJobs || this.#dropOldest()) return;
    throw unavailable('overloaded', `${this.#jobs.size} image jobs are unfinished; try again later.`);
  }

  /** Forgets the finished job that is oldest, other than `except`. False when there is none. */
  #dropOldest(except?: Job): boolean {
    for (const [id, job] of this.#jobs) {
      if (job === except || isUnfinished(job)) continue;
      this.#drop(id, job);
      return true;
    }
    return false;
  }

  #drop(id: string, job: Job): void {
    clearTimeout(job.timer);
    this.#jobs.delete(id);
  }

  #find(id: string): Job {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    throw new ApiError('There is no such image job; finished ones are kept for a limited time.', {
      status: 404,
      type: 'invalid_request_error',
      code: 'job_not_found',
      param: 'id',
    });
  }
}

function isUnfinished({ reply: { status } }: Job): boolean {
  return status === 'queued' || status === 'running';
}

function stateAfter(event: RunEvent): Partial<JobReply> {
  switch (event.type) {
    case 'started':
      return { status: 'running' };
    case 'progress':
      return {
        step: event.step,
        steps: event.steps,
        index: event.index,
        eta_seconds: event.etaSeconds ?? null,
      };
    default:
      return {};
  }
}
