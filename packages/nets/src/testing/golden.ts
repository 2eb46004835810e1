import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@triptych/checkpoints';
import type { ConfigJson } from '../config-reader.js';

/** One of the folders below `fixtures/`, made by `tools/oracles/diffusion_reference.py`. */
export function fixtureFolder(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
}

/** The `config.json` of a fixture. */
export async function fixtureConfig(name: string): Promise<ConfigJson> {
  return JSON.parse(await readFile(`${fixtureFolder(name)}/config.json`, 'utf8')) as ConfigJson;
}

/** Inputs and outputs of the reference: all tensors of a fixture's `io.safetensors` as float32. */
export async function goldenValues(name: string): Promise<Readonly<Record<string, Float32Array>>> {
  const { tensors } = await readSafetensors(`${fixtureFolder(name)}/io.safetensors`);
  return Object.fromEntries([...tensors].map(([key, { data }]) => [key, Float32Array.from(data, Number)]));
}

/** Largest difference over the largest magnitude; infinite for other lengths, absent or NaN values. */
export function relativeError(
  actual: ArrayLike<number> | undefined,
  expected: ArrayLike<number> | undefined,
): number {
  if (actual === undefined || expected === undefined || actual.length !== expected.length) return Infinity;
  let [difference, magnitude] = [0, 1e-12];
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (Number.isNaN(distance)) return Infinity;
    difference = Math.max(difference, distance);
    magnitude = Math.max(magnitude, Math.abs(expected[i] ?? 0));
  }
  return difference / magnitude;
}
