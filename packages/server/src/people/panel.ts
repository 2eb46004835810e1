/**
 * @module
 * The people panel: rating and review, as far as they are offered.
 */
import type { App } from '../http/context.js';
import { addRatingRoutes } from './rating-routes.js';
import { addReviewRoutes } from './review-routes.js';
import type { PeopleSources } from './sources.js';

export function addPeoplePanel(app: App, sources: PeopleSources): void {
  if (sources.rating !== undefined) addRatingRoutes(app, sources.rating);
  if (sources.review !== undefined) addReviewRoutes(app, sources.review);
}
