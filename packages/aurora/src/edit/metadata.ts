/**
 * @module
 * What a picture says about how it was made: parameters in PNG text, from which the edit can be repeated.
 */
import { decodeImage, type PngText } from '@triptych/media';
import { z } from 'zod';
import { type SamplerName, samplerNames } from '../editor.js';
import { AuroraError } from '../errors.js';
import { version } from '../version.js';
import { readFileBounded } from './load-image.js';
import { editLimits } from './options.js';

/** Keyword of the PNG text that holds the parameters as JSON. */
export const parametersKeyword = 'triptych-edit';

/** Edits further back than this are left out of the history. */
const maxHistory = 50;
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(10_000);

const stepSchema = z.object({
  /** Of Triptych. */
  version: z.string().max(100),
  instruction: text,
  negative: text,
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  steps: z.int().min(1),
  sampler: z.enum(samplerNames) as z.ZodType<SamplerName>,
  textGuidance: z.number(),
  imageGuidance: z.number(),
  preserve: z.boolean(),
  /** Name and SHA-256 of the weights. */
  model: z.string().max(1000),
  modelHash: z.string().max(200),
  /** SHA-256 of what was edited: the file's bytes, or of size and pixels. */
  source: hash,
  size: z.tuple([z.int(), z.int()]).optional(),
  mask: z.object({ hash, feather: z.number() }).optional(),
});

const parametersSchema = stepSchema.extend({
  /** The edits before this one, oldest first. */
  history: z.array(stepSchema).max(maxHistory).optional(),
});

/** Parameters of one edit, without what came before. */
export type EditStep = z.infer<typeof stepSchema>;
/** Parameters of an edit with the chain it stands at the end of. */
export type EditParameters = z.infer<typeof parametersSchema>;

/** Which texts a picture carries: all, only the note that a model made it, or none. */
export type MetadataLevel = 'full' | 'note' | 'none';

/** Texts for a PNG. */
export function textsFor(parameters: EditParameters, level: MetadataLevel): PngText {
  switch (level) {
    case 'none':
      return {};
    case 'note':
      return { Software: 'Triptych', Comment: 'Edited with Triptych, a generative model.' };
    case 'full':
      return {
        Software: `Triptych ${version}`,
        Comment: `Edited with Triptych, a generative model (${parameters.model}): ${parameters.instruction}`,
        [parametersKeyword]: JSON.stringify(parameters),
      };
  }
}

/**
 * The parameters in a picture's texts; undefined when there are none.
 * @throws AuroraError `DATA` when they are damaged
 */
export function parametersIn(texts: PngText): EditParameters | undefined {
  const json = texts[parametersKeyword];
  if (json === undefined) return undefined;
  try {
    return parametersSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new AuroraError(
      'DATA',
      `the text '${parametersKeyword}' of the picture is damaged: its parameters cannot be recalled`,
      { cause, field: 'image' },
    );
  }
}

/**
 * The parameters that an edit wrote into a picture; undefined for pictures without.
 * @param file bytes, or the path of a file
 * @throws AuroraError `DATA` for damaged parameters; MediaError for what is no picture or cannot be read
 */
export async function recallParameters(
  file: Uint8Array | string,
  signal?: AbortSignal,
): Promise<EditParameters | undefined> {
  const bytes = typeof file === 'string' ? await readFileBounded(file, signal) : file;
  // Decoded in full: a picture that cannot be shown should not look like one whose edit can be repeated.
  const { text } = await decodeImage(bytes, {
    maxBytes: editLimits.maxBytes,
    maxPixels: editLimits.maxPixels,
    ...(signal && { signal }),
  });
  return parametersIn(text);
}

/** The chain that an edit of a picture with these texts continues. Damaged parameters end it. */
export function historyAfter(texts: PngText): readonly EditStep[] {
  try {
    const earlier = parametersIn(texts);
    if (earlier === undefined) return [];
    const { history = [], ...step } = earlier;
    return [...history, step].slice(-maxHistory);
  } catch {
    return [];
  }
}
