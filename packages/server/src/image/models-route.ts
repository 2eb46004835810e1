/**
 * @module
 * `GET /api/images/models`: what can be asked of which model. Also there without a model, with an empty list.
 */
import { z } from '@hono/zod-openapi';
import type { App } from '../http/context.js';
import { addGet } from '../http/route.js';
import { type ImageModelInfo, type ImageSource, imageLimits, samplerNames } from './source.js';

const range = z.tuple([z.number(), z.number()]);

const imageModelsSchema = z
  .object({
    data: z.array(
      z.object({
        id: z.string(),
        hash: z.string().openapi({ description: 'SHA-256 of the weights.' }),
        native_side: z.int().openapi({ description: 'Side the model was trained at, pixels.' }),
        side_multiple: z.int(),
        default: z.boolean(),
        defaults: z.object({
          steps: z.int(),
          sampler: z.enum(samplerNames),
          text_guidance: z.number(),
          image_guidance: z.number(),
        }),
        limits: z.object({
          steps: range,
          text_guidance: range,
          image_guidance: range,
          n: range,
          instruction_characters: z.int(),
        }),
        samplers: z.array(z.enum(samplerNames)),
        description: z.string(),
      }),
    ),
  })
  .openapi('ImageModels');
type ImageModels = z.infer<typeof imageModelsSchema>;

export function addImageModelsRoute(app: App, source: ImageSource | undefined): void {
  addGet(
    app,
    {
      path: '/api/images/models',
      summary: 'The image models',
      tag: 'images',
      responses: {
        200: {
          description: 'The models, default first; empty when the server has none.',
          content: { 'application/json': imageModelsSchema },
        },
      },
    },
    async (c) => {
      const models = (await source?.models()) ?? [];
      return c.json({ data: models.map(describe) } satisfies ImageModels);
    },
  );
}

function describe(model: ImageModelInfo, index: number): ImageModels['data'][number] {
  const { defaults } = model;
  return {
    id: model.id,
    hash: model.hash,
    native_side: model.nativeSide,
    side_multiple: model.sideMultiple,
    default: index === 0,
    defaults: {
      steps: defaults.steps,
      sampler: defaults.sampler,
      text_guidance: defaults.textGuidance,
      image_guidance: defaults.imageGuidance,
    },
    limits: {
      steps: [...imageLimits.steps],
      text_guidance: [...imageLimits.textGuidance],
      image_guidance: [...imageLimits.imageGuidance],
      n: [...imageLimits.n],
      instruction_characters: imageLimits.instructionCharacters,
    },
    samplers: [...model.samplers],
    description: model.description,
  };
}
