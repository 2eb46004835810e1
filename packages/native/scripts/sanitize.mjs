/**
 * Runs the addon's C++ tests under address+undefined and thread sanitizers, and as another processor gets them:
 * without any instruction-set file; then builds and loads the whole addon in that way. Any report fails.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { link, root } from './compile.mjs';
import { buildPortableAddon } from './portable-addon.mjs';

const modes = {
  'address-undefined': { flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1', '-g'] },
  thread: { flags: ['-fsanitize=thread', '-O1', '-g'] },
  portable: { portable: true },
};
let passed = 0;
let failed = 0;

function report(name, problem) {
  console.log(problem === undefined ? `ok   ${name}` : `FAIL ${name} (${problem})`);
  if (problem === undefined) passed++;
  else failed++;
}

for (const [mode, options] of Object.entries(modes)) {
  const outDir = path.join(root, 'build', `sanitize-${mode}`);
  const binary = await link({ tests: true, outDir, output: path.join(outDir, 'tests'), ...options });
  const result = spawnSync(binary, process.argv.slice(2), {
    stdio: 'inherit',
    env: { ...process.env, TRIPTYCH_TEST_QUICK: '1' },
  });
  report(mode, result.status === 0 ? undefined : `exit ${result.status ?? result.signal}`);
}
await buildPortableAddon().then(
  () => report('portable addon'),
  (error) => report('portable addon', error.message),
);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
