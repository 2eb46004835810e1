/**
 * @module
 * The text panel: every route that needs a text engine, plugged into the app by one call.
 */
import type { App, PanelContext } from '../http/context.js';
import { addChatRoute } from './chat-route.js';
import { addCompletionRoute } from './completion-route.js';
import { addMemoryRoutes } from './memory-route.js';
import { addModelRoutes } from './models-route.js';

export function addTextPanel(app: App, context: PanelContext): void {
  addModelRoutes(app, context);
  addChatRoute(app, context);
  addCompletionRoute(app, context);
  addMemoryRoutes(app, context);
}
