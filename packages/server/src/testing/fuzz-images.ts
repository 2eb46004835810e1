/**
 * @module
 * Bodies for the image routes, as `fuzz-http.ts` wants them: valid ones to start from, and the spelling of forms.
 */
import type { Random } from './random.js';

export const editPaths: readonly string[] = [
  '/v1/images/edits',
  '/v1/images/edits',
  '/v1/images/edits',
  '/api/images/jobs',
  '/api/images/scene',
  '/api/images/recall',
];

// biome-ignore format: a table
export const editFieldNames: readonly string[] = [
  'image', 'image[]', 'images', 'mask', 'mask[]', 'size', 'output_format', 'output_compression', 'partial_images', 'progress',
  'text_guidance', 'image_guidance', 'steps', 'sampler', 'negative_prompt', 'feather', 'background', 'quality', 'count',
];

type Fields = Record<string, unknown>;

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3);
const damaged = Uint8Array.of(0, 1, 2);

/** A body that would pass, or nearly. */
export function editBody(random: Random, path: string, isForm: boolean): Fields {
  if (path === '/api/images/scene') return { seed: random.below(1000), count: 3, size: 64 };
  const bytes = random.chance(0.9) ? png : damaged;
  const picture = isForm ? bytes : Buffer.from(bytes).toString('base64');
  if (path === '/api/images/recall') return { image: picture };
  const all: Fields = {
    model: random.chance(0.9) ? 'fake-edit' : random.pick(['', 'gpt-image-1']),
    n: 2,
    size: random.pick(['auto', '64x48', '1024x1024']),
    seed: 7,
    steps: 2,
    sampler: 'euler',
    text_guidance: 2.5,
    image_guidance: 1.5,
    negative_prompt: 'blue',
    output_format: random.pick(['png', 'jpeg', 'webp']),
    output_compression: 50,
    response_format: 'b64_json',
    mask: picture,
    feather: 3,
    user: 'u',
    ...(path.startsWith('/v1') && random.chance(0.3)
      ? { stream: true, partial_images: 2, progress: random.chance(0.5) }
      : {}),
  };
  const some = Object.entries(all).filter(
    ([name]) => name === 'partial_images' || name === 'stream' || random.chance(0.3),
  );
  const image = isForm || random.chance(0.7) ? { image: picture } : { images: [{ image_url: picture }] };
  return { ...image, prompt: 'make it red', ...Object.fromEntries(some) };
}

/** A form with the fields of a value: bytes as files, lists as repeated fields, all else as text. */
export function spellForm(
  random: Random,
  value: unknown,
): { readonly contentType: string; readonly body: Uint8Array } {
  const boundary = random.pick(['----fuzz', 'b', "a'b()+_,-./:=?", 'x'.repeat(70)]);
  const parts: Uint8Array[] = [];
  const add = (name: string, item: unknown): void => {
    const isFile = item instanceof Uint8Array;
    const quoted = name.replaceAll('"', '%22').replaceAll(/[\r\n]/g, ' ');
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted}"${isFile ? '; filename="a.png"' : ''}\r\n\r\n`;
    const text = typeof item === 'string' ? item : (JSON.stringify(item) ?? '');
    parts.push(Buffer.from(head), isFile ? item : Buffer.from(text), Buffer.from('\r\n'));
  };
  const fields =
    typeof value === 'object' && value !== null ? Object.entries(value) : [['prompt', value] as const];
  for (const [name, item] of fields.slice(0, 100)) {
    for (const one of Array.isArray(item) ? item.slice(0, 100) : [item]) add(name, one);
  }
  parts.push(Buffer.from(random.chance(0.95) ? `--${boundary}--\r\n` : ''));
  const contentType = random.chance(0.95)
    ? `multipart/form-data; boundary="${boundary}"`
    : random.pick([
        'multipart/form-data',
        'multipart/form-data; boundary=',
        `multipart/mixed; boundary=${boundary}`,
      ]);
  return { contentType, body: Buffer.concat(parts) };
}
