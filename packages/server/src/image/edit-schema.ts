/**
 * @module
 * Request and response shapes of `POST /v1/images/edits` and of image jobs.
 */
import { z } from '@hono/zod-openapi';
import { ignored, notYet, wellFormed } from '../http/schema-parts.js';
import { imageFormats, imageLimits, samplerNames } from './source.js';

const instruction = wellFormed()
  .max(imageLimits.instructionCharacters, {
    error: `must have at most ${imageLimits.instructionCharacters} characters`,
  })
  .refine((text) => text.trim() !== '', { error: 'must say what to change; it is empty' });

const sizePattern = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/;

/** `1024x768` as numbers; undefined for anything else. */
export function parseSize(text: string): { readonly width: number; readonly height: number } | undefined {
  const match = sizePattern.exec(text);
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
}

const size = z.string().refine(
  (text) => {
    const parsed = parseSize(text);
    if (parsed === undefined) return text === 'auto';
    return parsed.width * parsed.height <= imageLimits.maxPixels;
  },
  { error: `must be 'auto' or <width>x<height> with at most ${imageLimits.maxPixels} pixels` },
);

/** Everything but the pictures; the same for JSON and forms. */
const editFields = {
  prompt: instruction.openapi({ description: 'What to change, such as "make the cube red".' }),
  model: wellFormed()
    .max(256)
    .nullish()
    .openapi({ description: 'Left out or empty: the first of GET /api/images/models.' }),
  n: z
    .int()
    .min(imageLimits.n[0])
    .max(imageLimits.n[1])
    .nullish()
    .openapi({ description: 'Results, with seeds counting up. Default 1.' }),
  size: size
    .nullish()
    .openapi({ description: "'auto' (default): that of the picture. Else the picture is cropped to fit." }),
  output_format: z.enum(imageFormats).nullish().openapi({ description: 'Default png.' }),
  output_compression: z
    .int()
    .min(0)
    .max(100)
    .nullish()
    .openapi({ description: 'Quality of jpeg and webp; default 90.' }),
  stream: z.boolean().nullish(),
  partial_images: z
    .int()
    .min(0)
    .max(3)
    .nullish()
    .openapi({ description: 'Previews of each result in a stream. Default 0.' }),
  progress: z
    .boolean()
    .nullish()
    .openapi({ description: 'Extension. Adds an `image_edit.progress` event after each step to a stream.' }),
  negative_prompt: wellFormed()
    .max(imageLimits.instructionCharacters)
    .nullish()
    .openapi({ description: 'Extension. What the result should not be.' }),
  text_guidance: z
    .number()
    .min(imageLimits.textGuidance[0])
    .max(imageLimits.textGuidance[1])
    .nullish()
    .openapi({ description: 'Extension. How strongly to follow the instruction.' }),
  image_guidance: z
    .number()
    .min(imageLimits.imageGuidance[0])
    .max(imageLimits.imageGuidance[1])
    .nullish()
    .openapi({ description: 'Extension. How strongly to keep the picture.' }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .nullish()
    .openapi({ description: 'Extension. Same seed, request and model: same picture. Default: random.' }),
  steps: z
    .int()
    .min(imageLimits.steps[0])
    .max(imageLimits.steps[1])
    .nullish()
    .openapi({ description: 'Extension. More are slower and finer.' }),
  sampler: z.enum(samplerNames).nullish().openapi({ description: 'Extension.' }),
  feather: z
    .number()
    .min(imageLimits.feather[0])
    .max(imageLimits.feather[1])
    .nullish()
    .openapi({ description: 'Extension. Width of the seam inside the mask, pixels.' }),
  response_format: z
    .literal('b64_json', { error: "only 'b64_json' is supported: nothing is stored to have a URL" })
    .nullish(),
  background: notYet('auto', 'opaque'),
  quality: notYet('auto'),
  input_fidelity: notYet(),
  moderation: notYet('auto'),
  markup: notYet(),
  user: ignored(),
  safety_identifier: ignored(),
} as const;

const encodedImage = z
  .string()
  .openapi({ description: 'A data: URL or base64 of a PNG, JPEG, WebP, GIF, TIFF or AVIF.' });
const imageReference = z.strictObject({
  image_url: z.string({ error: 'must be a data: URL' }),
  file_id: notYet(),
});

/** A body in JSON. */
export const editJsonSchema = z
  .strictObject({
    ...editFields,
    image: z.union([encodedImage, z.array(encodedImage).length(1)]).optional(),
    images: z
      .array(imageReference)
      .length(1, { error: 'must hold one image: edits start from one picture' })
      .optional(),
    mask: z.union([encodedImage, imageReference]).optional().openapi({
      description: 'A picture of the same size, transparent (alpha 0) where the edit may happen.',
    }),
  })
  .openapi('ImageEditRequest');

const file = (description: string) =>
  z
    .instanceof(Uint8Array, { error: 'must be a file' })
    .openapi({ type: 'string', format: 'binary', description });

/** A body as a form, numbers and switches already parsed. */
export const editFormSchema = z
  .strictObject({
    ...editFields,
    image: file('The picture: PNG, JPEG, WebP, GIF, TIFF or AVIF. May be named image[] too.'),
    mask: file('A picture of the same size, transparent (alpha 0) where the edit may happen.').optional(),
  })
  .openapi('ImageEditForm');

export type EditFields = z.output<typeof editJsonSchema> | z.output<typeof editFormSchema>;

const tokenDetails = z.object({ image_tokens: z.int(), text_tokens: z.int() });

/** In OpenAI's shape, whose types require it. */
const usageSchema = z
  .object({
    input_tokens: z.int(),
    input_tokens_details: tokenDetails,
    output_tokens: z.int(),
    output_tokens_details: tokenDetails,
    total_tokens: z.int(),
  })
  .openapi('ImageUsage', {
    description: 'All 0: images are not counted in tokens here, and instructions are not either.',
  });
export type ImageUsage = z.infer<typeof usageSchema>;

const pictureSize = z.string().openapi({ description: 'Of the picture sent, <width>x<height>.' });

export const editResponseSchema = z
  .object({
    created: z.int(),
    model: z.string(),
    data: z.array(z.object({ b64_json: z.string(), seed: z.int() })),
    output_format: z.enum(imageFormats),
    size: z.string().openapi({ description: '<width>x<height>' }),
    background: z.literal('auto'),
    quality: z.literal('auto'),
    usage: usageSchema,
  })
  .openapi('ImageEdit');
export type EditResponse = z.infer<typeof editResponseSchema>;

const common = {
  index: z.int().openapi({ description: 'Which of the n results.' }),
  created_at: z.int(),
  output_format: z.enum(imageFormats),
  size: pictureSize,
  background: z.literal('auto'),
  quality: z.literal('auto'),
};
const stepFields = { step: z.int(), steps: z.int() };

export const editEventSchema = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('image_edit.partial_image'),
      b64_json: z.string(),
      partial_image_index: z.int(),
      ...stepFields,
      ...common,
    }),
    z.object({
      type: z.literal('image_edit.progress'),
      index: common.index,
      ...stepFields,
      eta_seconds: z.number().nullable(),
    }),
    z.object({
      type: z.literal('image_edit.completed'),
      b64_json: z.string(),
      seed: z.int(),
      usage: usageSchema,
      ...common,
    }),
  ])
  .openapi('ImageEditEvent');
export type EditStreamEvent = z.infer<typeof editEventSchema>;

export const jobSchema = z
  .object({
    id: z.string(),
    status: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
    step: z.int(),
    steps: z.int().openapi({ description: 'Of one result; 0 until the first step is done.' }),
    index: z.int(),
    n: z.int(),
    eta_seconds: z.number().nullable(),
    error: z
      .object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() })
      .optional(),
    result: editResponseSchema.optional(),
  })
  .openapi('ImageJob');
export type JobReply = z.infer<typeof jobSchema>;
