import { CheckpointError, quoted } from '../errors.js';
import type { GgufHeader } from './parse.js';
import type { GgufInputValue, GgufNumberType } from './values.js';

/**
 * A file's metadata in the form that `writeGguf` takes, every number with the type it has in the file: for copies with
 * some keys changed.
 *
 * @throws CheckpointError `GGUF_METADATA` for arrays of arrays, which are not written
 */
export function inputMetadata({
  metadata,
  keyTypes,
}: Pick<GgufHeader, 'metadata' | 'keyTypes'>): Map<string, GgufInputValue> {
  const input = new Map<string, GgufInputValue>();
  for (const [key, value] of metadata) {
    const { type, itemType } = keyTypes.get(key)!;
    if (itemType === 'array') {
      throw new CheckpointError(
        'GGUF_METADATA',
        `metadata ${quoted(key)} is an array of arrays, which is not written`,
      );
    }
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    // Without arrays of arrays what is left is exactly what the writer takes.
    input.set(key, isNumber ? { type: type as GgufNumberType, value } : (value as GgufInputValue));
  }
  return input;
}
