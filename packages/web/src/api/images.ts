/**
 * @module
 * Pictures from the server: which models edit them, edits as streams of progress, previews and the result, scenes
 * of the toy world, and the parameters a picture carries in its metadata. Names here are the page's; the wire's
 * are snake_case.
 */

import { base64ToBlob } from '../lib/base64.js';
import { ApiError, type CallOptions, call, readError } from './http.js';
import { readEvents } from './sse.js';

export const OUTPUT_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** How a model is run where nothing else is said. */
export interface ImageDefaults {
  readonly steps: number;
  readonly sampler: string;
  readonly textGuidance: number;
  readonly imageGuidance: number;
}

export type Range = readonly [low: number, high: number];

export interface ImageModel {
  readonly id: string;
  /** Of the weights, hexadecimal. */
  readonly hash: string;
  /** Side in pixels the model was trained at. */
  readonly nativeSide: number;
  readonly isDefault: boolean;
  readonly description: string;
  readonly defaults: ImageDefaults;
  readonly samplers: readonly string[];
  readonly limits: {
    readonly steps: Range;
    readonly textGuidance: Range;
    readonly imageGuidance: Range;
    readonly instructionCharacters: number;
  };
}

export interface EditRequest {
  readonly image: Blob;
  readonly instruction: string;
  /** What the result should not be; empty for nothing. */
  readonly negative: string;
  /** PNG of the image's size: alpha 0 is edited, the rest stays. */
  readonly mask?: Blob;
  /** Width of the mask's soft edge in pixels. */
  readonly feather?: number;
  readonly model: string;
  readonly textGuidance: number;
  readonly imageGuidance: number;
  readonly steps: number;
  readonly sampler: string;
  /** 0 .. 2^32 - 1. */
  readonly seed: number;
  readonly outputFormat: OutputFormat;
}

export type EditEvent =
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly steps: number;
      readonly etaSeconds: number | undefined;
    }
  | { readonly type: 'preview'; readonly image: Blob; readonly step: number; readonly steps: number }
  | { readonly type: 'result'; readonly image: Blob; readonly seed: number };

export interface Scene {
  readonly image: Blob;
  readonly seed: number;
  /** Instructions that fit the scene. */
  readonly suggestions: readonly string[];
}

/** What a picture made here was made with; whatever its metadata does not say is missing. */
export interface RecalledParameters {
  readonly instruction: string;
  readonly negative?: string;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly steps?: number;
  readonly sampler?: string;
  readonly seed?: number;
  readonly model?: string;
}

/** The server sends at most this many previews of an edit. */
const PARTIAL_IMAGES = '3';

interface WireModel {
  readonly id: string;
  readonly hash: string;
  readonly native_side: number;
  readonly default: boolean;
  readonly description?: string;
  readonly defaults: {
    readonly steps: number;
    readonly sampler: string;
    readonly text_guidance: number;
    readonly image_guidance: number;
  };
  readonly limits: {
    readonly steps: Range;
    readonly text_guidance: Range;
    readonly image_guidance: Range;
    readonly instruction_characters: number;
  };
  readonly samplers: readonly string[];
}

/** The models that edit pictures; none when the server has no image panel. Throws `ApiError`. */
export async function fetchImageModels(options: CallOptions): Promise<readonly ImageModel[]> {
  let response: Response;
  try {
    response = await call('api/images/models', options);
  } catch (error) {
    // A server that was started for text alone does not know the route.
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
  const { data } = (await response.json()) as { readonly data: readonly WireModel[] };
  return data.map((model) => ({
    id: model.id,
    hash: model.hash,
    nativeSide: model.native_side,
    isDefault: model.default,
    description: model.description ?? '',
    defaults: {
      steps: model.defaults.steps,
      sampler: model.defaults.sampler,
      textGuidance: model.defaults.text_guidance,
      imageGuidance: model.defaults.image_guidance,
    },
    samplers: model.samplers,
    limits: {
      steps: model.limits.steps,
      textGuidance: model.limits.text_guidance,
      imageGuidance: model.limits.image_guidance,
      instructionCharacters: model.limits.instruction_characters,
    },
  }));
}

/** One edit; ends after its result. Throws `ApiError`; an abort ends the work in the server too. */
export async function* streamEdit(request: EditRequest, options: CallOptions): AsyncGenerator<EditEvent> {
  const response = await call('v1/images/edits', options, editForm(request));
  if (response.body === null) throw new ApiError('The server sent no stream.', response.status, 'cut');
  let complete = false;
  try {
    for await (const { data } of readEvents(response.body)) {
      if (data === '[DONE]') break;
      const parsed: unknown = JSON.parse(data);
      // The stream began well, so its status says nothing about the failure.
      const failure = readError(parsed, 0);
      if (failure !== undefined) throw failure;
      const event = readEditEvent(parsed as WireEditEvent);
      if (event !== undefined) yield event;
      complete ||= event?.type === 'result';
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError('The stream broke off before the picture was complete.', 0, 'cut');
  }
  if (complete) return;
  options.signal?.throwIfAborted();
  throw new ApiError('The stream ended before the picture was complete.', 0, 'cut');
}

/** A multipart form: the pictures travel as they are, not a third larger as base64. */
export function editForm(request: EditRequest): FormData {
  const form = new FormData();
  form.set('image', request.image, `image.${extensionOf(request.image.type)}`);
  if (request.mask !== undefined) form.set('mask', request.mask, 'mask.png');
  const fields: Readonly<Record<string, string | number | boolean>> = {
    prompt: request.instruction,
    model: request.model,
    output_format: request.outputFormat,
    text_guidance: request.textGuidance,
    image_guidance: request.imageGuidance,
    steps: request.steps,
    sampler: request.sampler,
    seed: request.seed,
    ...(request.negative === '' ? {} : { negative_prompt: request.negative }),
    ...(request.mask === undefined || request.feather === undefined ? {} : { feather: request.feather }),
    stream: true,
    partial_images: PARTIAL_IMAGES,
    progress: true,
  };
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  return form;
}

/** 'image/jpeg' → 'jpg'. */
export function extensionOf(type: string): string {
  return { 'image/jpeg': 'jpg', 'image/webp': 'webp' }[type] ?? 'png';
}

interface WireEditEvent {
  readonly type?: string;
  readonly b64_json?: string;
  readonly step?: number;
  readonly steps?: number;
  readonly eta_seconds?: number | null;
  readonly seed?: number;
}

/** Undefined for a kind of event this page does not know. */
function readEditEvent(wire: WireEditEvent): EditEvent | undefined {
  const { step = 0, steps = 0 } = wire;
  switch (wire.type) {
    case 'image_edit.progress':
      return { type: 'progress', step, steps, etaSeconds: wire.eta_seconds ?? undefined };
    case 'image_edit.partial_image':
      return { type: 'preview', image: base64ToBlob(wire.b64_json ?? ''), step, steps };
    case 'image_edit.completed':
      return { type: 'result', image: base64ToBlob(wire.b64_json ?? ''), seed: wire.seed ?? 0 };
    default:
      return undefined;
  }
}

/** A picture of the toy world with instructions that fit it. Throws `ApiError`. */
export async function makeScene(seed: number, options: CallOptions): Promise<Scene> {
  const response = await call('api/images/scene', options, { seed });
  const body = (await response.json()) as { b64_json: string; seed: number; suggestions?: readonly string[] };
  return { image: base64ToBlob(body.b64_json), seed: body.seed, suggestions: body.suggestions ?? [] };
}

/** What a picture was made with, from its metadata; undefined when it says nothing. Throws `ApiError`. */
export async function recallParameters(
  image: Blob,
  options: CallOptions,
): Promise<RecalledParameters | undefined> {
  const form = new FormData();
  form.set('image', image, `image.${extensionOf(image.type)}`);
  const response = await call('api/images/recall', options, form);
  const { parameters } = (await response.json()) as { parameters: Readonly<Record<string, unknown>> | null };
  return parameters === null ? undefined : readRecalled(parameters);
}

/** Metadata may come from any program, so every field is checked; without an instruction there is nothing to recall. */
export function readRecalled(fields: Readonly<Record<string, unknown>>): RecalledParameters | undefined {
  const text = (...names: string[]) => names.map((name) => fields[name]).find((v) => typeof v === 'string');
  const number = (...names: string[]) =>
    names.map((name) => fields[name]).find((v) => typeof v === 'number' && Number.isFinite(v));
  const instruction = text('instruction', 'prompt') as string | undefined;
  if (instruction === undefined) return undefined;
  const found = {
    negative: text('negative', 'negative_prompt'),
    textGuidance: number('textGuidance', 'text_guidance'),
    imageGuidance: number('imageGuidance', 'image_guidance'),
    steps: number('steps'),
    sampler: text('sampler'),
    seed: number('seed'),
    model: text('model'),
  };
  const present = Object.entries(found).filter(([, value]) => value !== undefined);
  return { instruction, ...(Object.fromEntries(present) as Omit<RecalledParameters, 'instruction'>) };
}
