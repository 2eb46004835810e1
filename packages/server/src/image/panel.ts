/**
 * @module
 * The image panel: every route that needs an image source, plugged into the app by one call.
 */
import { describeCause } from '../errors.js';
import type { App, PanelContext } from '../http/context.js';
import type { Logger } from '../logger.js';
import { ImageMetrics } from '../metrics/image-metrics.js';
import type { BodyRules } from './edit-body.js';
import { addEditRoute } from './edit-route.js';
import { EditRunner } from './edit-run.js';
import { addExtraImageRoutes } from './extra-routes.js';
import { ImageJobs } from './jobs.js';
import { addJobRoutes } from './jobs-route.js';
import { addImageModelsRoute } from './models-route.js';
import type { ImageSource } from './source.js';

export interface ImagePanelOptions {
  /** Pages on these origins may send forms. */
  readonly origins?: readonly string[];
  readonly logger: Logger;
}

/** Without a source only the (empty) list of models is there. */
export function addImagePanel(
  app: App,
  context: PanelContext,
  source: ImageSource | undefined,
  { origins = [], logger }: ImagePanelOptions,
): void {
  addImageModelsRoute(app, source);
  if (source === undefined) return;
  const { limits, lifecycle, metrics } = context;
  const rules: BodyRules = { maxBytes: limits.maxImageBodyBytes, origins };
  const runner = new EditRunner(source, limits.maxQueuedEdits, new ImageMetrics(metrics.registry));
  const jobs = new ImageJobs(runner, limits, (error) =>
    logger.error({ code: error.code, cause: describeCause(error) }, 'image job failed'),
  );
  // Nobody can ask for a job once the server drains.
  lifecycle.drainSignal.addEventListener('abort', () => jobs.close(lifecycle.drainSignal.reason), {
    once: true,
  });
  addEditRoute(app, context, runner, rules);
  addJobRoutes(app, runner, jobs, rules);
  addExtraImageRoutes(app, context, source, rules);
}
