/**
 * @module
 * Checks a generation request and fills in defaults; everything after this trusts the numbers.
 */
import { EngineError } from './errors.js';
import type { GenerateRequest } from './types.js';

/** Sampling with every field set; `seed` undefined means a random one. */
export interface ResolvedSampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly repetitionWindow: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly seed: number;
}

/** Field, default, smallest, largest, whole number. */
const ranges = {
  temperature: [0.8, 0, 100, false],
  topK: [40, 0, 1e9, true],
  topP: [0.95, 0, 1, false],
  minP: [0.05, 0, 1, false],
  repetitionPenalty: [1, 0.01, 100, false],
  repetitionWindow: [64, 0, 8192, true],
  presencePenalty: [0, -2, 2, false],
  frequencyPenalty: [0, -2, 2, false],
} as const;

function inRange(field: string, value: number, min: number, max: number, whole: boolean): number {
  if (typeof value !== 'number' || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    const kind = whole ? 'a whole number' : 'a number';
    throw new EngineError(
      'invalid_request',
      `${field} must be ${kind} from ${min} to ${max}, got ${String(value)}`,
      { field },
    );
  }
  return value;
}

/** Validates the sampling fields. Throws EngineError `invalid_request` naming the field. */
export function resolveSampling(request: GenerateRequest): ResolvedSampling {
  const pick = (field: keyof typeof ranges): number => {
    const [fallback, min, max, whole] = ranges[field];
    return inRange(field, request[field] ?? fallback, min, max, whole);
  };
  return {
    temperature: pick('temperature'),
    topK: pick('topK'),
    topP: pick('topP'),
    minP: pick('minP'),
    repetitionPenalty: pick('repetitionPenalty'),
    repetitionWindow: pick('repetitionWindow'),
    presencePenalty: pick('presencePenalty'),
    frequencyPenalty: pick('frequencyPenalty'),
    seed: inRange(
      'seed',
      request.seed ?? Math.floor(Math.random() * 2 ** 53),
      0,
      Number.MAX_SAFE_INTEGER,
      true,
    ),
  };
}

/** Validates stop strings: at most 16, none longer than 1000 characters. */
export function resolveStops(request: GenerateRequest): readonly string[] {
  const stops = request.stop ?? [];
  if (!Array.isArray(stops) || stops.length > 16)
    throw new EngineError('invalid_request', 'stop takes an array of at most 16 strings', { field: 'stop' });
  for (const stop of stops) {
    if (typeof stop !== 'string' || stop.length > 1000) {
      throw new EngineError('invalid_request', 'each stop must be a string of at most 1000 characters', {
        field: 'stop',
      });
    }
  }
  return stops;
}

/** A context, and whether the model could be loaded with a longer one. */
export interface ContextBounds {
  /** Most tokens of a sequence. */
  readonly contextLength: number;
  /** What the model was made for, tokens. */
  readonly trainedLength: number;
}

/** What to do about a prompt that does not fit. */
export function shorten({ contextLength, trainedLength }: ContextBounds): string {
  return contextLength < trainedLength
    ? 'shorten the prompt or load the model with a longer context'
    : 'shorten the prompt';
}

/** Most tokens to generate after a prompt of `promptTokens`. */
export function resolveMaxTokens(
  request: GenerateRequest,
  promptTokens: number,
  bounds: ContextBounds,
): number {
  const { contextLength } = bounds;
  if (promptTokens >= contextLength) {
    throw new EngineError(
      'prompt_too_long',
      `the prompt has ${promptTokens} tokens, the context holds ${contextLength} with room for at least one more: ${shorten(bounds)}`,
      { field: request.messages === undefined ? 'prompt' : 'messages' },
    );
  }
  const room = contextLength - promptTokens;
  if (request.maxTokens === undefined) return room;
  return Math.min(room, inRange('maxTokens', request.maxTokens, 1, Number.MAX_SAFE_INTEGER, true));
}
