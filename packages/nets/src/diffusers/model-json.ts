import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigJson } from '../config-reader.js';
import { NetworkError } from '../errors.js';

/** Python writes these three; JSON has no word for them. */
const PYTHON_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b/g;

/**
 * Reads a JSON object of a model folder. Python's Infinity and NaN become `null`, which configurations read as their
 * default.
 * @throws NetworkError `unsupported_file` if the file is missing, `invalid_config` if it is no JSON object
 */
export async function readModelJson(folder: string, file: string): Promise<ConfigJson> {
  const path = join(folder, file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new NetworkError(
      'unsupported_file',
      `cannot read "${path}": not a model folder in diffusers' layout?`,
      {
        cause,
      },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(PYTHON_NUMBER, (match) => (match.startsWith('"') ? match : 'null')));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkError('invalid_config', `"${path}" is not JSON: ${reason}`, { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new NetworkError('invalid_config', `"${path}" must be a JSON object`);
  }
  return json as ConfigJson;
}
