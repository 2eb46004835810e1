/** Runs the addon's C++ tests under address+undefined and thread sanitizers. Any report fails. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { link, root } from './compile.mjs';

const modes = {
  'address-undefined': ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1', '-g'],
  thread: ['-fsanitize=thread', '-O1', '-g'],
};
let failed = 0;
for (const [mode, flags] of Object.entries(modes)) {
  const outDir = path.join(root, 'build', `sanitize-${mode}`);
  const binary = await link({ tests: true, flags, outDir, output: path.join(outDir, 'tests') });
  const result = spawnSync(binary, process.argv.slice(2), { stdio: 'inherit', env: { ...process.env, TRIPTYCH_TEST_QUICK: '1' } });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${mode}${ok ? '' : ` (exit ${result.status ?? result.signal})`}`);
  if (!ok) failed++;
}
console.log(`${Object.keys(modes).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
