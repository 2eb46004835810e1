import { describe, expect, it } from 'vitest';
import { cleanText } from './corpus.js';

describe('cleanText', () => {
  it('joins the lines of a paragraph in prose and keeps paragraphs apart', () => {
    expect(cleanText('One line\r\nof  three \r\nlines.\r\n\r\n\r\n\r\nAnother.\u001a', 'prose')).toBe(
      'One line of three lines.\n\nAnother.\n',
    );
  });

  it('keeps indented lines of prose, such as a poem in a novel', () => {
    expect(cleanText('He sang:\n\n  A rose\n  is a rose\n\nand left.', 'prose')).toBe(
      'He sang:\n\n  A rose\n  is a rose\n\nand left.\n',
    );
  });

  it('keeps the lines of verse', () => {
    expect(cleanText('Of Man,\nand  the fruit\n', 'verse')).toBe('Of Man,\nand the fruit\n');
  });
});
