/**
 * @module
 * The HTTP server of Triptych: an OpenAI-shaped API over text engines and image editors.
 */
export { type AppOptions, type CorsOptions, createApp } from './app.js';
export { ApiError, type ErrorBody, type ErrorType, ServeError, type ServeErrorCode } from './errors.js';
export { isLoopback } from './http/host-guard.js';
export type { EditResponse, EditStreamEvent, JobReply } from './image/edit-schema.js';
export {
  type ImageEditEvent,
  type ImageEditRequest,
  ImageError,
  type ImageErrorCode,
  type ImageFormat,
  type ImageModelInfo,
  type ImageSampler,
  type ImageScene,
  type ImageSource,
  imageLimits,
} from './image/source.js';
export { defaultLimits, type ServerLimits } from './limits.js';
export { type LogFields, type Logger, silentLogger } from './logger.js';
export type { EngineSource } from './models.js';
export type {
  RatingProtocolBody,
  RatingStateBody,
  ReviewInfoBody,
  ReviewStateBody,
} from './people/schema.js';
export type {
  GivenDecision,
  GivenRating,
  PeopleSources,
  RatingSource,
  RatingState,
  ReviewCandidate,
  ReviewSource,
  ReviewState,
} from './people/sources.js';
export { createPinoLogger, type LogLevel, type PinoLoggerOptions } from './pino-logger.js';
export { type RunningServer, type ServeOptions, serve } from './serve.js';
export type { PanelsResponse } from './system/panels-route.js';
export type { ChatChunk, ChatResponse } from './text/chat-schema.js';
export type { CompletionResponse } from './text/completion-schema.js';
export type { InfoResponse } from './text/models-route.js';
export { version } from './version.js';
