import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, '..');

/** The folder of an installed package as seen from `from`: node_modules of each folder up to the root. */
function folderOf(name: string, from: string): string | undefined {
  const searched = createRequire(path.join(from, 'package.json')).resolve.paths(name) ?? [];
  for (const folder of searched) {
    try {
      readFileSync(path.join(folder, name, 'package.json'));
      return path.join(folder, name);
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Names of everything that installing the package in `folder` brings. */
function installed(folder: string, names = new Set<string>()): ReadonlySet<string> {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (names.has(name)) continue;
    names.add(name);
    const next = folderOf(name, folder);
    if (next !== undefined) installed(next, names);
  }
  return names;
}

test.each(['llm', 'server', 'cli'])(
  'a text-only install of %s brings no image, video or training library',
  (name) => {
    const names = installed(path.join(root, 'packages', name));
    expect(names.has('@triptych/native')).toBe(true);
    const heavy = [...names].filter((dependency) =>
      /onnx|node-av|ffmpeg|sharp|@triptych\/(graph|media)/.test(dependency),
    );
    expect(heavy).toEqual([]);
  },
);

test('the check sees through workspaces', () => {
  expect(installed(path.join(root, 'packages/graph')).has('onnxruntime-node')).toBe(true);
});
