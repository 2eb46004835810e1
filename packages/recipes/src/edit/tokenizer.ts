import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EditModelConfig, openPairCache, parseEditModel, writeWordTokenizer } from '@triptych/aurora';
import { ARMS, modelJson, TOKENS } from './settings.js';
import { BASE_MODEL, cachePath, tokenizerFolder } from './work-folder.js';

/** The base's tokenizer, or, before there is a base, one learned from a set of each kind, which hold all words. */
export async function prepareTokenizer(work: string): Promise<void> {
  if (existsSync(join(tokenizerFolder(work), 'tokenizer_config.json'))) return;
  if (existsSync(BASE_MODEL))
    return await cp(join(BASE_MODEL, 'tokenizer'), tokenizerFolder(work), { recursive: true });
  const texts: string[] = [];
  for (const name of ARMS.M) {
    const cache = await openPairCache(cachePath(work, name));
    for (const { instruction } of cache.examples) texts.push(instruction);
    await cache.close();
  }
  await writeWordTokenizer(tokenizerFolder(work), texts, TOKENS);
}

/** The model's configuration with the work folder's tokenizer. */
export async function readModelConfig(work: string): Promise<EditModelConfig> {
  return parseEditModel(modelJson(await vocabularySize(work)));
}

export async function vocabularySize(work: string): Promise<number> {
  const text = await readFile(join(tokenizerFolder(work), 'vocab.json'), 'utf8');
  return Object.keys(JSON.parse(text) as object).length;
}
