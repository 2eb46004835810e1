import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BOOKS,
  BOOKS_PACKAGE,
  HELD_OUT_SPEECH_YEARS,
  type Layout,
  SPEECHES_PACKAGE,
  type Work,
} from './works.js';

/** One whole work, cleaned. */
export interface CorpusText extends Work {
  readonly packageName: string;
  readonly text: string;
}

/** The corpus split by whole works. */
export interface Corpus {
  readonly training: readonly CorpusText[];
  readonly heldOut: readonly CorpusText[];
}

/** Reads and cleans every work from an installed corpus folder (the one with `node_modules`). */
export async function readCorpus(folder: string): Promise<Corpus> {
  const texts = [...(await readBooks(folder)), ...(await readSpeeches(folder))];
  return {
    training: texts.filter((work) => !work.heldOut),
    heldOut: texts.filter((work) => work.heldOut),
  };
}

async function readBooks(folder: string): Promise<CorpusText[]> {
  const directory = join(folder, 'node_modules', BOOKS_PACKAGE, 'gutenberg');
  return Promise.all(
    BOOKS.map(async (work) => {
      const source = decodeText(await readFile(join(directory, `${work.id}.txt`)));
      return {
        ...work,
        packageName: BOOKS_PACKAGE,
        text: cleanText(withoutBoilerplate(source), work.layout),
      };
    }),
  );
}

async function readSpeeches(folder: string): Promise<CorpusText[]> {
  const directory = join(folder, 'node_modules', SPEECHES_PACKAGE, 'data');
  const files = (await readdir(directory)).filter((name) => name.endsWith('.txt')).sort();
  return Promise.all(
    files.map(async (file) => {
      const [year, ...name] = file.replace('.txt', '').split('_').slice(0, -1);
      return {
        id: `sotu-${file.replace('.txt', '')}`,
        title: `State of the Union address ${year}`,
        author: name.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join(' '),
        year: Number(year),
        layout: 'prose' as const,
        heldOut: Number(year) % HELD_OUT_SPEECH_YEARS === 0,
        packageName: SPEECHES_PACKAGE,
        text: cleanText(decodeText(await readFile(join(directory, file))), 'prose'),
      };
    }),
  );
}

/** UTF-8, or Latin-1 for the few older files that are not valid UTF-8. */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

/** Cuts what is not part of the work: the bracketed title line and Project Gutenberg's own notices. */
function withoutBoilerplate(source: string): string {
  const notices = source.search(/^.*(?:\*\*\*?\s*END|End of (?:the )?Project Gutenberg|SMALL PRINT).*$/m);
  const body = notices < 0 ? source : source.slice(0, notices);
  return body.replace(/^\s*\[[^\]]*\]\s*/, '');
}

/** Some Project Gutenberg files end with it. */
const DOS_END_OF_FILE = '\u001a';

/**
 * One newline style, single spaces, at most one blank line. In prose the lines of a paragraph are joined, unless they
 * are indented, as poems and letters inside novels are.
 */
export function cleanText(source: string, layout: Layout): string {
  const lines = source
    .replace(/\r\n?/g, '\n')
    .replaceAll('\t', ' ')
    .replaceAll(DOS_END_OF_FILE, '')
    .split('\n');
  const trimmed = lines.map((line) => line.trimEnd()).join('\n');
  const joined = layout === 'prose' ? trimmed.replace(/(?<=\S)\n(?=\S)/g, ' ') : trimmed;
  const compact = joined.replace(/(?<=\S) {2,}/g, ' ').replace(/\n{3,}/g, '\n\n');
  return `${compact.trim()}\n`;
}
