/**
 * Runs the addon's C++ tests under address+undefined and thread sanitizers, and as another processor gets them:
 * without any instruction-set file. Any report fails.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { link, root } from './compile.mjs';

const modes = {
  'address-undefined': { flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1', '-g'] },
  thread: { flags: ['-fsanitize=thread', '-O1', '-g'] },
  portable: { portable: true },
};
let failed = 0;
for (const [mode, options] of Object.entries(modes)) {
  const outDir = path.join(root, 'build', `sanitize-${mode}`);
  const binary = await link({ tests: true, outDir, output: path.join(outDir, 'tests'), ...options });
  const result = spawnSync(binary, process.argv.slice(2), {
    stdio: 'inherit',
    env: { ...process.env, TRIPTYCH_TEST_QUICK: '1' },
  });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${mode}${ok ? '' : ` (exit ${result.status ?? result.signal})`}`);
  if (!ok) failed++;
}
console.log(`${Object.keys(modes).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
