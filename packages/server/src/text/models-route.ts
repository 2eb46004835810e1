/**
 * @module
 * `GET /v1/models`, `GET /v1/models/{id}` and the richer `GET /api/info`.
 */
import { z } from '@hono/zod-openapi';
import { type EngineInfo, resolveSampling, type TextEngineLike } from '@triptych/llm';
import type { App, PanelContext } from '../http/context.js';
import { addGet } from '../http/route.js';

const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    /** vLLM's name for the context length; clients size their prompts by it. */
    max_model_len: z.int(),
  })
  .openapi('Model');

const modelListSchema = z
  .object({ object: z.literal('list'), data: z.array(modelSchema) })
  .openapi('ModelList');

const engineInfoShape = {
  id: z.string(),
  name: z.string(),
  architecture: z.string(),
  parameters: z.number(),
  fileBytes: z.number(),
  contextLength: z.int(),
  trainedContextLength: z.int(),
  vocabSize: z.int(),
  hasChatTemplate: z.boolean(),
  isa: z.string(),
  threads: z.int(),
} satisfies Record<keyof EngineInfo, z.ZodType>;

export const infoSchema = z
  .object({
    ...engineInfoShape,
    capabilities: z.array(z.enum(['chat', 'completion'])).openapi({
      description: 'A model without a chat template can only continue text.',
    }),
    samplingDefaults: z
      .object({
        temperature: z.number(),
        topK: z.int(),
        topP: z.number(),
        minP: z.number(),
        repetitionPenalty: z.number(),
        presencePenalty: z.number(),
        frequencyPenalty: z.number(),
      })
      .openapi({ description: 'What holds for the sampling fields that a request leaves out.' }),
    version: z.string().openapi({ description: 'Of the server.' }),
    models: z.array(z.string()).openapi({ description: 'Ids of all models; the rest describes the first.' }),
  })
  .openapi('Info');

/** The answer of `GET /api/info`. */
export type InfoResponse = z.infer<typeof infoSchema>;

export function addModelRoutes(app: App, context: PanelContext): void {
  const { models } = context;
  const created = Math.floor(Date.now() / 1000);
  const describe = ({ info }: TextEngineLike): z.infer<typeof modelSchema> => ({
    id: info.id,
    object: 'model',
    created,
    owned_by: 'triptych',
    max_model_len: info.contextLength,
  });
  const json = (schema: z.ZodType, description: string) => ({
    200: { description, content: { 'application/json': schema } },
  });

  addGet(
    app,
    {
      path: '/v1/models',
      summary: 'List models',
      tag: 'text',
      responses: json(modelListSchema, 'The models.'),
    },
    (c) => {
      // While the model loads the list would be wrong, not empty.
      if (!models.isEmpty) models.resolve(undefined);
      return c.json({ object: 'list' as const, data: models.ready().map(describe) });
    },
  );
  addGet(
    app,
    {
      path: '/v1/models/{id}',
      summary: 'Describe a model',
      tag: 'text',
      params: z.object({ id: z.string() }),
      responses: json(modelSchema, 'The model.'),
    },
    (c) => c.json(describe(models.resolve(c.req.param('id')))),
  );
  addGet(
    app,
    {
      path: '/api/info',
      summary: 'What this server can do',
      tag: 'system',
      responses: json(infoSchema, 'The default model and the server.'),
    },
    (c) => c.json(describeServer(models.resolve(undefined), context)),
  );
}

function describeServer({ info }: TextEngineLike, context: PanelContext): InfoResponse {
  const { seed: _, repetitionWindow: _window, ...samplingDefaults } = resolveSampling({});
  return {
    ...info,
    capabilities: info.hasChatTemplate ? ['chat', 'completion'] : ['completion'],
    samplingDefaults,
    version: context.version,
    models: context.models.ready().map((engine) => engine.info.id),
  };
}
