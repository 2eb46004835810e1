/**
 * Builds everything that is stale: the C++ addon, the TypeScript projects, the page. With nothing changed it
 * takes about a second. The addon and the type checker run side by side; the page waits for a free core.
 */
import fs from 'node:fs';
import path from 'node:path';
import { bin, hashFiles, root, run } from './run.mjs';

/** Vite has no notion of "up to date", so a stamp of the page's sources decides. */
async function buildPage() {
  const web = path.join(root, 'packages', 'web');
  if (!fs.existsSync(path.join(web, 'index.html'))) return 0;
  const stampFile = path.join(web, 'dist', '.stamp');
  const stamp = hashFiles(['packages/web', 'package-lock.json'], (file) =>
    /^packages\/web\/(dist|node_modules|test)(\/|$)/.test(file),
  );
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp) return 0;
  const code = await run(process.execPath, [bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: web,
  });
  if (code === 0) fs.writeFileSync(stampFile, stamp);
  return code;
}

const started = Date.now();
const codes = await Promise.all([
  run(process.execPath, ['packages/native/scripts/build.mjs']),
  run(process.execPath, [bin('typescript/bin/tsc'), '-b']).then(async (code) =>
    code === 0 ? buildPage() : code,
  ),
]);
const failed = codes.some((code) => code !== 0);
console.log(failed ? 'build failed' : `built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
process.exit(failed ? 1 : 0);
