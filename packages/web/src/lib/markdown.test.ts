import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Inline, parseInline, parseMarkdown } from './markdown.js';

const text = (value: string): Inline => ({ type: 'text', text: value });

describe('parseMarkdown', () => {
  it('reads the blocks that models write', () => {
    const source =
      '# Title\n\nA line\nand more.\n\n- one\n- two\n  still two\n\n3. three\n4. four\n\n> quoted\n\n---\n```ts\nlet a = 1;\n\n```\nend';
    expect(parseMarkdown(source)).toEqual([
      { type: 'heading', level: 1, children: [text('Title')] },
      { type: 'paragraph', children: [text('A line\nand more.')] },
      { type: 'list', start: undefined, items: [[text('one')], [text('two\nstill two')]] },
      { type: 'list', start: 3, items: [[text('three')], [text('four')]] },
      { type: 'quote', children: [text('quoted')] },
      { type: 'rule' },
      { type: 'code', language: 'ts', text: 'let a = 1;\n' },
      { type: 'paragraph', children: [text('end')] },
    ]);
  });

  it('shows a fence that is still open as code', () => {
    expect(parseMarkdown('```\n# not a heading')).toEqual([
      { type: 'code', language: '', text: '# not a heading' },
    ]);
  });

  it('ends on any input and loses no letters', () => {
    const piece = fc.constantFrom(
      'a',
      'b ',
      '\n',
      '- ',
      '1. ',
      '```',
      '# ',
      '> ',
      '**',
      '*',
      '_',
      '`',
      '[x](http://y)',
      '  ',
      '---',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
        (source) => {
          const tree = JSON.stringify(parseMarkdown(source));
          const letters = (value: string) => value.replace(/[^ab]/g, '').length;
          // A fence's info string is the one place where words are dropped by intent.
          if (!source.includes('```')) {
            const shown = [...tree.matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('');
            expect(letters(shown)).toBe(letters(source));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('parseInline', () => {
  it('reads code, strong, emphasis and links', () => {
    expect(parseInline('a `x*y*` **b *c*** _d_ [e](https://f.org/g)')).toMatchObject([
      text('a '),
      { type: 'code', text: 'x*y*' },
      text(' '),
      { type: 'strong' },
      { type: 'text' },
      { type: 'emphasis', children: [text('d')] },
      text(' '),
      { type: 'link', href: 'https://f.org/g', children: [text('e')] },
    ]);
  });

  it('leaves unclosed marks, arithmetic, snake_case and other schemes alone', () => {
    for (const source of ['2 * 3 * 4', 'a_b_c', '**open', '`open', '[x](javascript:alert(1))', '<b>no</b>']) {
      expect(parseInline(source)).toEqual([text(source)]);
    }
  });
});
