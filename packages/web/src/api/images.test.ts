import { afterEach, describe, expect, it, vi } from 'vitest';
import { base64ToBlob } from '../lib/base64.js';
import { ApiError } from './http.js';
import {
  type EditEvent,
  type EditRequest,
  editForm,
  fetchImageModels,
  makeScene,
  readRecalled,
  recallParameters,
  streamEdit,
} from './images.js';

const PNG = 'iVBORw0KGgo=';
const request: EditRequest = {
  image: new Blob(['x'], { type: 'image/jpeg' }),
  instruction: 'make it red',
  negative: '',
  model: 'toy',
  textGuidance: 2,
  imageGuidance: 1.2,
  steps: 20,
  sampler: 'ddim',
  seed: 7,
  outputFormat: 'png',
};

function answer(body: string, status = 200): ReturnType<typeof vi.fn<typeof fetch>> {
  const fetched = vi.fn<typeof fetch>(async () => new Response(body, { status }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

const sse = (...events: readonly object[]) =>
  events.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('');

async function collect(events: AsyncIterable<EditEvent>): Promise<EditEvent[]> {
  const all: EditEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('streamEdit', () => {
  it('sends a form and reads progress, previews and the result', async () => {
    const fetched = answer(
      sse(
        { type: 'image_edit.progress', step: 1, steps: 2, index: 0, eta_seconds: null },
        { type: 'image_edit.partial_image', b64_json: PNG, step: 1, steps: 2, index: 0 },
        { type: 'image_edit.something_new' },
        { type: 'image_edit.progress', step: 2, steps: 2, index: 0, eta_seconds: 0.5 },
        { type: 'image_edit.completed', b64_json: PNG, seed: 7, index: 0 },
      ),
    );
    const events = await collect(streamEdit(request, { apiKey: 'k' }));
    expect(events).toMatchObject([
      { type: 'progress', step: 1, steps: 2, etaSeconds: undefined },
      { type: 'preview', step: 1, steps: 2 },
      { type: 'progress', step: 2, etaSeconds: 0.5 },
      { type: 'result', seed: 7 },
    ]);
    const [path, init = {}] = fetched.mock.calls[0]!;
    expect(path).toBe('v1/images/edits');
    const headers = init.headers as Headers;
    // The browser writes the boundary between the parts, so the type must not be set here.
    expect(headers.has('content-type')).toBe(false);
    expect(headers.get('authorization')).toBe('Bearer k');
    expect(
      Object.fromEntries([...(init.body as FormData)].filter(([, value]) => typeof value === 'string')),
    ).toEqual({
      prompt: 'make it red',
      model: 'toy',
      output_format: 'png',
      text_guidance: '2',
      image_guidance: '1.2',
      steps: '20',
      sampler: 'ddim',
      seed: '7',
      stream: 'true',
      partial_images: '3',
      progress: 'true',
    });
  });

  it('names files by their type and sends feather only with a mask', () => {
    const form = editForm({ ...request, feather: 4, negative: 'blur' });
    expect((form.get('image') as File).name).toBe('image.jpg');
    expect([form.has('mask'), form.has('feather'), form.get('negative_prompt')]).toEqual([
      false,
      false,
      'blur',
    ]);
    const masked = editForm({ ...request, feather: 4, mask: new Blob(['m'], { type: 'image/png' }) });
    expect([(masked.get('mask') as File).name, masked.get('feather')]).toEqual(['mask.png', '4']);
  });

  it("passes the server's error on, from the status or from within the stream", async () => {
    const error = { error: { message: 'no such sampler', code: 'invalid_value' } };
    answer(JSON.stringify(error), 400);
    await expect(collect(streamEdit(request, { apiKey: '' }))).rejects.toMatchObject({
      message: 'no such sampler',
      status: 400,
    });
    answer(sse(error));
    await expect(collect(streamEdit(request, { apiKey: '' }))).rejects.toMatchObject({
      message: 'no such sampler',
      code: 'invalid_value',
    });
  });

  it('says when a stream ends before its picture', async () => {
    answer(sse({ type: 'image_edit.progress', step: 1, steps: 2 }));
    await expect(collect(streamEdit(request, { apiKey: '' }))).rejects.toMatchObject({ code: 'cut' });
    answer('data: {"type":"image_edit.progress"\n\n');
    await expect(collect(streamEdit(request, { apiKey: '' }))).rejects.toBeInstanceOf(ApiError);
  });
});

describe('the other routes', () => {
  it('reads models, and none from a server without the panel', async () => {
    const wire = {
      id: 'toy',
      hash: 'ab',
      native_side: 64,
      side_multiple: 4,
      default: true,
      defaults: { steps: 20, sampler: 'ddim', text_guidance: 2, image_guidance: 1.2 },
      limits: {
        steps: [1, 100],
        text_guidance: [1, 20],
        image_guidance: [1, 5],
        n: [1, 10],
        instruction_characters: 2000,
      },
      samplers: ['ddim'],
    };
    answer(JSON.stringify({ data: [wire] }));
    expect(await fetchImageModels({ apiKey: '' })).toMatchObject([
      {
        id: 'toy',
        nativeSide: 64,
        isDefault: true,
        defaults: { textGuidance: 2 },
        limits: { imageGuidance: [1, 5] },
      },
    ]);
    answer('{}', 404);
    expect(await fetchImageModels({ apiKey: '' })).toEqual([]);
    answer('{}', 401);
    await expect(fetchImageModels({ apiKey: '' })).rejects.toMatchObject({ status: 401 });
  });

  it('reads scenes and recalled parameters', async () => {
    answer(JSON.stringify({ b64_json: PNG, seed: 3, suggestions: ['remove the cube'] }));
    const scene = await makeScene(3, { apiKey: '' });
    expect([scene.seed, scene.suggestions, scene.image.type]).toEqual([3, ['remove the cube'], 'image/png']);
    answer(JSON.stringify({ parameters: { instruction: 'make it red', text_guidance: 2, seed: 'seven' } }));
    expect(await recallParameters(scene.image, { apiKey: '' })).toEqual({
      instruction: 'make it red',
      textGuidance: 2,
    });
    answer(JSON.stringify({ parameters: null }));
    expect(await recallParameters(scene.image, { apiKey: '' })).toBeUndefined();
  });

  it('recalls nothing from metadata of other programs', () => {
    expect(readRecalled({ Steps: 20, prompt: 3 })).toBeUndefined();
    expect(readRecalled({ prompt: 'a cat', steps: Number.NaN })).toEqual({ instruction: 'a cat' });
  });
});

it('tells the type of a picture from its bytes', () => {
  const of = (...bytes: number[]) => base64ToBlob(btoa(String.fromCharCode(...bytes))).type;
  expect(of(0x89, 0x50, 0x4e, 0x47)).toBe('image/png');
  expect(of(0xff, 0xd8, 0xff, 0xe0)).toBe('image/jpeg');
  expect(of(0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50)).toBe('image/webp');
  expect(of(1, 2)).toBe('application/octet-stream');
});
