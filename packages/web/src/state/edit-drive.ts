/**
 * @module
 * Drives a run: one cell after another, each from the stream of its edit into events of the state.
 */

import type { EditRequest } from '../api/images.js';
import type { Store } from '../lib/store.js';
import { describeError } from './drive-run.js';
import type { CellEvent, EditRun } from './edit-run.js';
import type { EditServer, PictureTools } from './edit-services.js';
import type { EditAction, EditState, RunSlot } from './edit-state.js';
import { type EditParameters, findNode } from './edit-tree.js';

export interface DriveOptions {
  readonly store: Store<EditState, EditAction>;
  readonly server: Pick<EditServer, 'edit'>;
  readonly tools: PictureTools;
  readonly now: () => number;
  /** Called when a cell has its result. */
  readonly onDone: (index: number) => void;
}

/**
 * Runs the waiting cells in order until all have ended, one fails or the signal fires. Never rejects: a failure is in
 * its cell. After an abort the state is left alone: whoever aborted has marked the run as stopped.
 */
export async function driveCells(slot: RunSlot, signal: AbortSignal, options: DriveOptions): Promise<void> {
  const { store } = options;
  const count = store.get()[slot]?.cells.length ?? 0;
  for (let index = 0; index < count && !signal.aborted; index++) {
    const status = store.get()[slot]?.cells[index]?.status;
    if (status !== 'waiting' && status !== 'running') continue;
    if (!(await driveCell(slot, index, signal, options))) break;
  }
  if (!signal.aborted) store.dispatch({ type: 'stopped', of: slot });
}

/** Whether the cell has its result. */
async function driveCell(
  slot: RunSlot,
  index: number,
  signal: AbortSignal,
  { store, server, tools, now, onDone }: DriveOptions,
): Promise<boolean> {
  const run = store.get()[slot];
  const parameters = run?.cells[index]?.parameters;
  const source = findNode(store.get().tree, run?.source);
  if (run === undefined || parameters === undefined || source === undefined) return false;
  const emit = (event: CellEvent, notify: 'now' | 'later' = 'now') => {
    if (!signal.aborted) store.dispatch({ type: 'cell', of: slot, index, event }, notify);
  };
  const previews: string[] = [];
  let done = false;
  emit({ type: 'started', nowMs: now() });
  try {
    for await (const event of server.edit(requestFor(run, parameters, source.picture.blob), signal)) {
      signal.throwIfAborted();
      if (event.type === 'progress') emit(event, 'later');
      else if (event.type === 'preview') {
        const url = tools.url(event.image);
        previews.push(url);
        emit({ type: 'preview', url, step: event.step, steps: event.steps });
      } else {
        const result = await tools.open(event.image);
        if (signal.aborted) tools.release(result.url);
        signal.throwIfAborted();
        emit({ type: 'done', result, nowMs: now() });
        done = true;
        onDone(index);
      }
    }
  } catch (error) {
    emit({ type: 'failed', error: describeError(error) });
  } finally {
    for (const url of previews) tools.release(url);
  }
  return done;
}

function requestFor(run: EditRun, parameters: EditParameters, image: Blob): EditRequest {
  const { masked: _, ...rest } = parameters;
  return {
    ...rest,
    image,
    outputFormat: run.outputFormat,
    ...(run.mask === undefined ? {} : { mask: run.mask, feather: run.feather }),
  };
}
