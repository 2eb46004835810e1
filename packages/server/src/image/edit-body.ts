/**
 * @module
 * From an HTTP body, form or JSON, to a validated edit.
 */
import { invalidField } from '../errors.js';
import type { AppContext } from '../http/context.js';
import { type FormFields, isForm, readForm } from '../http/form-body.js';
import { readJson } from '../http/json-body.js';
import { validate } from '../http/validate.js';
import { type EditFields, editFormSchema, editJsonSchema, parseSize } from './edit-schema.js';
import type { ImageEditRequest, ImageModelInfo } from './source.js';

/** How bodies are read. */
export interface BodyRules {
  readonly maxBytes: number;
  /** Pages on these origins may send forms. */
  readonly origins: readonly string[];
}

/** A validated body with its pictures as bytes. */
export interface EditBody {
  readonly fields: Omit<EditFields, 'image' | 'images' | 'mask'>;
  readonly image: Uint8Array;
  readonly mask: Uint8Array | undefined;
}

/** Throws `ApiError` naming the field. */
export async function readEditBody(c: AppContext, rules: BodyRules): Promise<EditBody> {
  if (isForm(c)) {
    const { image, mask, ...fields } = validate(
      editFormSchema,
      parseForm(await readForm(c, rules.maxBytes, rules.origins)),
    );
    return { fields, image, mask };
  }
  const body = validate(editJsonSchema, await readJson(c, rules.maxBytes));
  const { image, images, mask, ...fields } = body;
  if (image !== undefined && images !== undefined)
    throw invalidField('images', "Send the picture as 'image' or in 'images', not both.");
  const text = images?.[0]?.image_url ?? (Array.isArray(image) ? image[0] : image);
  if (text === undefined) throw invalidField('image', "'image': is missing; send a picture to edit.");
  const maskText = typeof mask === 'object' ? mask.image_url : mask;
  return {
    fields,
    image: decodeImageText(text, images === undefined ? 'image' : 'images[0].image_url'),
    mask: maskText === undefined ? undefined : decodeImageText(maskText, 'mask'),
  };
}

/** The picture alone, for routes that take nothing else. */
export async function readImageBody(
  c: AppContext,
  rules: BodyRules,
  parse: (body: unknown) => string,
): Promise<Uint8Array> {
  if (!isForm(c)) return decodeImageText(parse(await readJson(c, rules.maxBytes)), 'image');
  const { image, ...others } = parseForm(await readForm(c, rules.maxBytes, rules.origins));
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw invalidField(other, `'${other}' is not a field this server knows.`, 'unknown_parameter');
  if (!(image instanceof Uint8Array)) throw invalidField('image', "'image': must be a file.");
  return image;
}

const numbers = new Set([
  'n',
  'output_compression',
  'partial_images',
  'text_guidance',
  'image_guidance',
  'seed',
  'steps',
  'feather',
]);
const switches = new Set(['stream', 'progress']);

/** Field values as JSON would have them: forms know only text and files. */
function parseForm(form: FormFields): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const [key, values] of form) {
    const name = key === 'image[]' ? 'image' : key;
    if (name === 'image' && (values.length > 1 || fields.image !== undefined))
      throw invalidField('image', "'image': must be one file: edits start from one picture.");
    if (values.length > 1) throw invalidField(shorten(name), `'${shorten(name)}' is there more than once.`);
    const [value] = values;
    // Pages send an empty text for an input that was left alone.
    if (value === '' && name !== 'prompt') continue;
    fields[name] = typeof value === 'string' ? parseField(name, value) : value;
  }
  return fields;
}

function parseField(name: string, text: string): unknown {
  if (numbers.has(name) && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (switches.has(name) && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Bytes of a `data:` URL or of plain base64. Throws `ApiError` for anything else, also for other URLs. */
function decodeImageText(text: string, field: string): Uint8Array {
  const start = /^data:[\w.+-]*\/?[\w.+-]*;base64,/i.exec(text.slice(0, 200))?.[0];
  if (start === undefined && /^[a-z][a-z0-9+.-]*:/i.test(text.slice(0, 100)))
    throw invalidField(
      field,
      `'${field}': only data: URLs with base64 are taken; nothing is fetched from the network.`,
    );
  const base64 = text.slice(start?.length ?? 0).replace(/=+$/, '');
  const bytes = Buffer.from(base64, 'base64');
  // Node skips what is not base64, so anything skipped shows in the length.
  if (bytes.length === 0 || bytes.length !== Math.floor((base64.length * 3) / 4))
    throw invalidField(field, `'${field}': is not valid base64.`);
  return bytes;
}

/** The edit as the source takes it. */
export function toEditRequest({ fields, image, mask }: EditBody, model: ImageModelInfo): ImageEditRequest {
  const size = fields.size == null ? undefined : parseSize(fields.size);
  const isStream = fields.stream === true;
  if (!isStream && fields.partial_images != null && fields.partial_images > 0)
    throw invalidField('partial_images', "'partial_images' is only allowed when 'stream' is true.");
  const format = fields.output_format ?? 'png';
  const given = {
    mask,
    negative: fields.negative_prompt,
    seed: fields.seed,
    steps: fields.steps,
    sampler: fields.sampler,
    textGuidance: fields.text_guidance,
    imageGuidance: fields.image_guidance,
    feather: fields.feather,
    size,
    // 0 is OpenAI's smallest file; encoders start at 1.
    quality:
      format === 'png' || fields.output_compression == null
        ? undefined
        : Math.max(1, fields.output_compression),
  };
  const kept = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  return {
    model: model.id,
    image,
    instruction: fields.prompt,
    n: fields.n ?? 1,
    format,
    previews: fields.partial_images ?? 0,
    ...(Object.fromEntries(kept) as Partial<ImageEditRequest>),
  };
}

const ignoredNames = ['user', 'safety_identifier'] as const;

/** Names of fields that a body used and that change nothing, for the `x-triptych-ignored` header. */
export function ignoredFieldsOf(fields: EditBody['fields']): string[] {
  return ignoredNames.filter((name) => fields[name] !== undefined && fields[name] !== null);
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
