/**
 * `npm run bench:setup`: gets the peer at its exact version and makes the model files the benchmarks read.
 * May be interrupted and started again: what is complete is kept.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;

/** Installs benchmarks/package.json: about 85 MB, no install scripts, nothing optional (that would be 700 MB of GPU builds). */
function installPeer() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log('peer: skipped, its binary here is for linux-x64 only; the rows against it will be left out');
    return;
  }
  const wanted = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8')).dependencies;
  const isInstalled = Object.entries(wanted).every(([name, version]) => {
    const file = path.join(here, 'node_modules', name, 'package.json');
    return fs.existsSync(file) && JSON.parse(fs.readFileSync(file, 'utf8')).version === version;
  });
  if (isInstalled) {
    console.log(`peer: node-llama-cpp ${wanted['node-llama-cpp']} is there`);
    return;
  }
  console.log(`peer: installing node-llama-cpp ${wanted['node-llama-cpp']} (85 MB)`);
  const args = [
    'install',
    '--no-package-lock',
    '--omit=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  const { status, error } = spawnSync('npm', args, { cwd: here, stdio: 'inherit', shell: false });
  if (status !== 0) throw new Error(`npm install failed in ${here}`, { cause: error });
}

/** The writer of checkpoint files, which has to be built; late, so that installing the peer works without. */
async function loadWriter() {
  try {
    return await import('./random-model.mjs');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('models: not built yet: run `npm run build`, then this again');
    process.exit(1);
  }
}

async function makeModels() {
  const { writeRandomModel } = await loadWriter();
  const models = path.join(here, 'models');
  fs.mkdirSync(models, { recursive: true });
  for (const format of ['q8_0', 'q4_0']) {
    const file = path.join(models, `random-1.1b-${format}.gguf`);
    const shown = path.relative(process.cwd(), file);
    if (fs.existsSync(file)) {
      console.log(`model: ${shown} is there`);
      continue;
    }
    console.log(`model: making ${shown}`);
    let tenths = 0;
    await writeRandomModel(file, {
      format,
      onProgress({ writtenBytes, totalBytes }) {
        const done = Math.floor((10 * writtenBytes) / totalBytes);
        if (done > tenths) console.log(`model: ${10 * done} % of ${(totalBytes / 1e9).toFixed(2)} GB`);
        tenths = done;
      },
    });
  }
}

installPeer();
await makeModels();
