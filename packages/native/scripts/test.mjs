/** Compiles and runs the addon's C++ tests: `node scripts/test.mjs [part of a test file's name] [part of a test's name]`. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { link, root } from './compile.mjs';

const [filter, name] = process.argv.slice(2);
const binary = await link({
  tests: true,
  filter,
  output: path.join(root, 'build', filter ? `tests-${filter}` : 'tests'),
  outDir: path.join(root, 'build', 'test-objects'),
}).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
const result = spawnSync(binary, name ? [name] : [], { stdio: 'inherit' });
process.exit(result.status ?? 1);
