/**
 * Runs the AVX-VNNI, AVX-512 and AVX512-BF16 kernels on a processor that has AVX2 alone: the addon's C++ tests, then an addon whose
 * best instruction set they are under the TypeScript tests of everything that computes with it. The kernels' own sources
 * are compiled with SIMDe, which does each intrinsic in AVX2. This shows that what they compute is right; not how fast,
 * nor what a compiler makes of them for a real AVX-512 processor: there `npm test` runs them.
 *
 * `npm run test:emulated [-- part of a C++ test's name]`; with a name, only those C++ tests.
 *
 * Needs a built tree (`npm run build`) and SIMDe 0.8 (headers only; Debian 13's libsimde-dev), under /usr/include or where SIMDE_INCLUDE says.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { avx2, link, root } from './compile.mjs';

if (process.arch !== 'x64') {
  console.error('these kernels are x86 code');
  process.exit(2);
}
const include = process.env.SIMDE_INCLUDE ?? '/usr/include';
if (!fs.existsSync(path.join(include, 'simde/x86/avx512/dpbf16.h'))) {
  console.error(
    `no SIMDe 0.8 under ${include}: install Debian 13's libsimde-dev, or unpack it and set SIMDE_INCLUDE`,
  );
  process.exit(2);
}
const own = path.join(root, 'scripts', 'emulated');
const standIn = createHash('sha256')
  .update(fs.readFileSync(path.join(own, 'immintrin.h')))
  .digest('hex');
// GCC warns that 512-bit vectors are passed otherwise without AVX-512: all that meet here are compiled alike. The hash
// makes what includes a changed stand-in compile anew.
const flags = [...avx2, '-Wno-psabi', `-I${own}`, `-I${include}`, `-DSTAND_IN=${standIn.slice(0, 8)}`];
const outDir = path.join(root, 'build', 'emulated');
const emulated = {
  outDir,
  isaFlags: { _avxvnni: flags, _avx512: flags, _avx512bf16: flags },
  replaced: {
    'core/isa.cpp': path.join(own, 'isa.cpp'),
    'linear/probes_avx512.cpp': path.join(own, 'probes_avx512.cpp'),
    'linear/probes_avx512bf16.cpp': undefined,
    'linear/probes_avxvnni.cpp': undefined,
  },
};

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: path.resolve(root, '../..'),
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status === 3) console.error('dist does not take the emulated addon: npm run build first');
  if (status !== 0) process.exit(status ?? 1);
}

const build = (options) =>
  link({ ...emulated, ...options }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });

const names = process.argv.slice(2);
run(await build({ tests: true, output: path.join(outDir, 'tests') }), names);
if (names.length === 0) {
  // `-Werror`, as the tests have it, lets both share their objects.
  const addon = await build({
    tests: false,
    output: path.join(outDir, 'triptych.node'),
    flags: ['-Werror'],
  });
  // The tests of other packages import this one's dist: an old one would load the real addon, and show nothing.
  const dist = path.join(root, 'dist/index.js');
  const probe = `import { detectIsa } from ${JSON.stringify(dist)}; process.exit(detectIsa() === 'avx512bf16' ? 0 : 3);`;
  run('node', ['--input-type=module', '-e', probe], { TRIPTYCH_ADDON: addon });
  const areas = ['packages/native', 'packages/llm', 'packages/nets', 'packages/recipes'];
  run('npx', ['vitest', 'run', ...areas], { TRIPTYCH_ADDON: addon });
}
