import { describe, expect, it } from 'vitest';
import type { GgufInputValue } from '../gguf/values.js';
import { u32 } from '../gguf/values.js';
import { chatTemplate } from './chat-template.js';
import { strftime } from './strftime.js';

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
];

function template(source: string) {
  return chatTemplate(
    new Map<string, GgufInputValue>([
      ['tokenizer.chat_template', source],
      ['tokenizer.chat_template.tool_use', 'tools: {{ tools | tojson }}'],
      ['tokenizer.ggml.tokens', ['<s>', '</s>']],
      ['tokenizer.ggml.bos_token_id', u32(0)],
      ['tokenizer.ggml.eos_token_id', u32(1)],
    ]),
  )!;
}

/** The templates that the public models carry, in their own words' order. */
const chatMl =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const llama2 =
  "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}";

describe('chatTemplate', () => {
  it('is undefined without a template', () => {
    expect(chatTemplate(new Map())).toBeUndefined();
    expect(chatTemplate(new Map([['tokenizer.chat_template', ' \n']]))).toBeUndefined();
  });

  it('renders ChatML', () => {
    const opening = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n';
    expect(template(chatMl).render({ messages })).toBe(`${opening}<|im_start|>assistant\n`);
    expect(template(chatMl).render({ messages, addGenerationPrompt: false })).toBe(opening);
  });

  it('renders the Llama 2 template with its token texts', () => {
    const text = template(llama2).render({ messages: [...messages, { role: 'assistant', content: 'Yo' }] });
    expect(text).toBe('<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Yo </s>');
  });

  it('passes on what the template refuses', () => {
    const render = () => template(llama2).render({ messages: [{ role: 'assistant', content: 'Yo' }] });
    expect(render).toThrow(
      expect.objectContaining({
        code: 'CHAT_TEMPLATE',
        message: expect.stringMatching('roles must alternate') as string,
      }) as Error,
    );
  });

  it('offers dates, ranges, tools and variables', () => {
    const now = new Date(2026, 10, 3, 15, 4, 5);
    const dated = template("{{ strftime_now('%d %b %Y') }} {{ range(1, 7, 2) | join(',') }} {{ flag }}");
    expect(dated.render({ messages, now, variables: { flag: 'on' } })).toBe('03 Nov 2026 1,3,5 on');
    const metadata = new Map([['tokenizer.chat_template.tool_use', 'tools: {{ tools | tojson }}']]);
    expect(chatTemplate(metadata, 'tool_use')!.render({ messages, tools: [{ name: 'f' }] })).toBe(
      'tools: [{"name": "f"}]',
    );
  });

  it.each([
    ['does not parse', '{% for message in messages %}'],
    ['calls what is not there', '{{ nothing() }}'],
    ['nests too deep', `{{${'('.repeat(200_000)}1${')'.repeat(200_000)}}}`],
    [
      'recurses without end',
      '{% macro f(x) %}{{ caller() }}{% endmacro %}{% call f(1) %}{{ f(1) }}{% endcall %}',
    ],
    ['loops almost for ever', `${'{% for i in range(9999) %}'.repeat(4)}{{ i }}${'{% endfor %}'.repeat(4)}`],
    ['asks for an absurd range', '{{ range(1000000000) }}'],
    [
      'doubles a list',
      '{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
    ],
    [
      'doubles a text',
      "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    ],
  ])('refuses a template that %s', (_, source) => {
    expect(() => template(source).render({ messages })).toThrow(
      expect.objectContaining({ name: 'CheckpointError', code: 'CHAT_TEMPLATE' }) as Error,
    );
  });

  it('has work to spare for a long conversation', () => {
    const turns = Array.from({ length: 2000 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: 'word '.repeat(200),
    }));
    expect(template(chatMl).render({ messages: turns }).length).toBeGreaterThan(2_000_000);
    expect(template(llama2).render({ messages: turns }).length).toBeGreaterThan(1_900_000);
  });
});

describe('strftime', () => {
  it('knows the directives of chat templates', () => {
    const date = new Date(2026, 1, 5, 0, 7, 9);
    expect(strftime(date, '%Y-%m-%d %H:%M:%S')).toBe('2026-02-05 00:07:09');
    expect(strftime(date, '%A %a %B %b %-d/%-m/%y %I%p %% %Q')).toBe(
      'Thursday Thu February Feb 5/2/26 12AM % %Q',
    );
  });
});
