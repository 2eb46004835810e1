/**
 * Everything `npm test` checks, in order: build (which checks types), the page's types, lint, import rule, the addon's
 * C++ tests, all TypeScript tests including the browser. Goes on after a failure and ends with "N passed, N failed".
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bin, root } from './run.mjs';

let passed = 0;
let failed = 0;

/** Runs a command, showing its output; resolves with exit code and what it printed. */
function show(args, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      process.stdout.write(data);
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** One check that passes or fails as a whole. */
async function check(name, args, env) {
  console.log(`\n== ${name}`);
  const { code } = await show(args, env);
  if (code === 0) passed++;
  else failed++;
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  return code === 0;
}

/** The addon's tests print their own counts. */
async function addonTests() {
  console.log('\n== addon');
  const { code, output } = await show(['packages/native/scripts/test.mjs'], {
    ...process.env,
    TRIPTYCH_TEST_QUICK: '1',
  });
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(output);
  passed += Number(counts?.[1] ?? 0);
  failed += Math.max(Number(counts?.[2] ?? 0), code === 0 && counts ? 0 : 1);
}

async function typescriptTests() {
  console.log('\n== typescript');
  const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'triptych-test-')), 'report.json');
  const { code } = await show([
    bin('vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counts = fs.existsSync(report) ? JSON.parse(fs.readFileSync(report, 'utf8')) : undefined;
  fs.rmSync(path.dirname(report), { recursive: true, force: true });
  passed += counts?.numPassedTests ?? 0;
  // A file that cannot even be loaded has no failed test, but the exit code tells.
  failed += Math.max(counts?.numFailedTests ?? 0, code === 0 && counts ? 0 : 1);
}

// The build must need nothing but a compiler: no home directory, no npm settings.
const bare = { PATH: process.env.PATH, HOME: fs.mkdtempSync(path.join(os.tmpdir(), 'triptych-home-')) };
const built = await check('build and types, with an empty home', ['scripts/build.mjs'], bare);
fs.rmSync(bare.HOME, { recursive: true, force: true });
if (built) {
  if (fs.existsSync(path.join(root, 'packages/web/tsconfig.json'))) {
    await check('page types', [bin('typescript/bin/tsc'), '--noEmit', '-p', 'packages/web']);
  }
  await check('lint', [bin('@biomejs/biome/bin/biome'), 'check', '.']);
  await check('import rule', ['scripts/imports.mjs']);
  await addonTests();
  await typescriptTests();
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
