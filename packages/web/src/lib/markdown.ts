/**
 * @module
 * The part of Markdown that models use, as a tree: paragraphs, headings, lists, quotes, fenced code, rules, and
 * inline code, strong, emphasis and web links. No HTML passes through. Unfinished input (a text that is still
 * arriving) gives a sensible tree at every moment.
 */

export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis'; readonly children: readonly Inline[] }
  | { readonly type: 'link'; readonly href: string; readonly children: readonly Inline[] };

export type Block =
  | { readonly type: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly type: 'code'; readonly language: string; readonly text: string }
  | {
      readonly type: 'list';
      readonly start: number | undefined;
      readonly items: readonly (readonly Inline[])[];
    }
  | { readonly type: 'quote'; readonly children: readonly Inline[] }
  | { readonly type: 'rule' };

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^\s{0,3}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;

export function parseMarkdown(source: string): Block[] {
  const lines = source.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (fence !== null) {
      const body: string[] = [];
      for (at++; at < lines.length && !lines[at]!.trimStart().startsWith(fence[1]!); at++)
        body.push(lines[at]!);
      at++;
      blocks.push({ type: 'code', language: fence[2]!.trim().split(/\s/)[0]!, text: body.join('\n') });
    } else if (heading !== null) {
      blocks.push({ type: 'heading', level: heading[1]!.length, children: parseInline(heading[2]!) });
      at++;
    } else if (RULE.test(line)) {
      blocks.push({ type: 'rule' });
      at++;
    } else if (ITEM.test(line)) {
      const { block, next } = parseList(lines, at);
      blocks.push(block);
      at = next;
    } else if (line.startsWith('>')) {
      const body: string[] = [];
      for (; at < lines.length && lines[at]!.startsWith('>'); at++)
        body.push(lines[at]!.replace(/^>\s?/, ''));
      blocks.push({ type: 'quote', children: parseInline(body.join('\n')) });
    } else {
      const body: string[] = [line];
      for (at++; at < lines.length && !startsBlock(lines[at]!); at++) body.push(lines[at]!);
      blocks.push({ type: 'paragraph', children: parseInline(body.join('\n')) });
    }
  }
  return blocks;
}

function startsBlock(line: string): boolean {
  return (
    line.trim() === '' ||
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    ITEM.test(line) ||
    line.startsWith('>')
  );
}

/** A list is flat here: deeper items become items of their own, which reads well enough and cannot go wrong. */
function parseList(lines: readonly string[], from: number): { readonly block: Block; readonly next: number } {
  const first = ITEM.exec(lines[from]!)!;
  const ordered = first[1] !== undefined;
  const items: string[] = [];
  let at = from;
  for (; at < lines.length; at++) {
    const line = lines[at]!;
    const item = ITEM.exec(line.trimStart());
    if (item !== null && !RULE.test(line)) {
      if (!/^\s/.test(line) && (item[1] !== undefined) !== ordered) break;
      items.push(item[2]!);
    } else if (line.trim() === '') {
      const following = lines.slice(at).find((other) => other.trim() !== '');
      if (following === undefined || !ITEM.test(following)) break;
    } else if (/^\s/.test(line)) {
      items[items.length - 1] += `\n${line.trim()}`;
    } else break;
  }
  const start = ordered ? Number(first[1]) : undefined;
  return { block: { type: 'list', start, items: items.map((item) => parseInline(item)) }, next: at };
}

const INLINE =
  /(`+)([\s\S]*?[^`])\1(?!`)|\*\*(?=\S)([\s\S]*?\S)\*\*|\*(?=[^\s*])([^*]*?[^\s*])\*(?!\*)|\b_(?=\S)([^_]*?\S)_\b|\[([^\][]+)\]\((https?:\/\/[^\s()<>]+)\)/g;

/** Inline marks; whatever is not closed stays as it was typed. */
export function parseInline(source: string): Inline[] {
  const result: Inline[] = [];
  let from = 0;
  for (const match of source.matchAll(INLINE)) {
    if (match.index > from) result.push({ type: 'text', text: source.slice(from, match.index) });
    const [whole, , code, strong, star, underscore, label, href] = match;
    if (code !== undefined) result.push({ type: 'code', text: code.replace(/^ (.+) $/, '$1') });
    else if (strong !== undefined) result.push({ type: 'strong', children: parseInline(strong) });
    else if (label !== undefined && href !== undefined) {
      result.push({ type: 'link', href, children: parseInline(label) });
    } else result.push({ type: 'emphasis', children: parseInline((star ?? underscore)!) });
    from = match.index + whole.length;
  }
  if (from < source.length) result.push({ type: 'text', text: source.slice(from) });
  return result;
}
