import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inputMetadata, openGguf, readTensorBytes, writeGguf } from '@triptych/checkpoints';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generate, someTokens, tinyModel } from './testing.js';
import { TextEngine } from './text-engine.js';
import type { ChatMessage } from './types.js';

const chatTemplate =
  "{% for message in messages %}{% if message.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}" +
  '<{{ message.role }}>{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';

let folder: string;
let engine: TextEngine;

/** Loads the tiny model with a chat template. */
async function loadWith(chatTemplate: string, name: string): Promise<TextEngine> {
  const file = await openGguf(tinyModel('q8_0'));
  const tensors = await Promise.all(
    [...file.tensors.values()].map(async (tensor) => ({
      name: tensor.name,
      dims: tensor.dims,
      type: tensor.type,
      data: await readTensorBytes(file, tensor),
    })),
  );
  const metadata = new Map(inputMetadata(file)).set('tokenizer.chat_template', chatTemplate);
  const model = path.join(folder, `${name}.gguf`);
  await writeGguf(model, { metadata, tensors });
  return TextEngine.load(model, { kvMemoryBytes: 16 << 20 });
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'triptych-chat-'));
  engine = await loadWith(chatTemplate, 'chatty');
});

afterAll(async () => {
  await engine.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('messages are rendered by the model’s template', async () => {
  expect(engine.info).toMatchObject({ id: 'chatty', hasChatTemplate: true });
  const options = { maxTokens: 12, seed: 4, ignoreEos: true };
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hello' },
  ] as const;
  const chat = await generate(engine, { ...options, messages });
  const text = await generate(engine, { ...options, prompt: '<system>be brief\n<user>hello\n<assistant>' });
  expect(chat).toEqual(text);
});

test('what the template refuses is the request’s fault', async () => {
  const refused = generate(engine, { messages: [{ role: 'tool', content: 'x' }] });
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_request',
    field: 'messages',
    message: expect.stringContaining('no tools here'),
  });
  await expect(generate(engine, { messages: [] })).rejects.toMatchObject({
    code: 'invalid_request',
    field: 'messages',
  });
});

test.each([[null], ['hi'], [{ content: 'hi' }], [{ role: 'user' }], [{ role: 'user', content: ['hi'] }]])(
  'refuses the message %j by its place',
  async (message) => {
    const messages = [{ role: 'user', content: 'hi' }, message] as ChatMessage[];
    await expect(generate(engine, { messages })).rejects.toMatchObject({
      code: 'invalid_request',
      field: 'messages',
      message: expect.stringMatching(/^messages\[1\] must be an object/),
    });
  },
);

test('an empty text starts from the beginning of a document', async () => {
  const { usage } = await generate(engine, { prompt: '', maxTokens: 2, ignoreEos: true });
  expect(usage).toEqual({ promptTokens: 1, completionTokens: 2 });
  await expect(generate(engine, { prompt: someTokens(0, 1) })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('a template that cannot be read is the model’s fault, and leaves a model that continues text', async () => {
  await using broken = await loadWith('{% for message in messages %}', 'broken');
  expect(broken.info.hasChatTemplate).toBe(false);
  await expect(generate(broken, { messages: [{ role: 'user', content: 'x' }] })).rejects.toMatchObject({
    code: 'no_chat_template',
    message: expect.stringMatching(/^the model's chat template cannot be read: .*send prompt instead/),
  });
  const { tokens } = await generate(broken, { prompt: 'x', maxTokens: 3, ignoreEos: true });
  expect(tokens).toHaveLength(3);
});
