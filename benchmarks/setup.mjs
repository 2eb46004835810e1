/**
 * `npm run bench:setup`: gets the peer at its exact version and makes the model files the benchmarks read. With `--python`
 * also PyTorch in a virtual environment, for the `edit` rows. May be interrupted and started again: what is complete is
 * kept.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { environment, pythonOf } from './python/paths.mjs';

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

async function makeUnet() {
  const { sd15Folder, writeRandomUnet } = await import('./random-unet.mjs');
  const shown = path.relative(process.cwd(), sd15Folder);
  if (fs.existsSync(sd15Folder)) {
    console.log(`model: ${shown} is there`);
    return;
  }
  console.log(`model: making ${shown} (3.4 GB)`);
  writeRandomUnet(sd15Folder);
}

function runProgram(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`, { cause: error });
}

/** PyTorch (about 800 MB), and the check that our plain U-Net is the one of the golden files. */
function installPython() {
  if (pythonOf() !== undefined) {
    console.log('python: PyTorch is there');
    return;
  }
  const folder = path.join(here, 'python');
  const python = path.join(environment, 'bin', 'python');
  console.log(`python: installing PyTorch in ${path.relative(process.cwd(), environment)}`);
  if (!fs.existsSync(python)) runProgram('python3', ['-m', 'venv', environment]);
  const install = ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '30', '--requirement'];
  runProgram(python, [...install, path.join(folder, 'requirements.txt')]);
  const golden = path.join(here, '..', 'packages', 'nets', 'fixtures', 'unet');
  runProgram(python, [path.join(folder, 'check.py'), golden]);
  fs.writeFileSync(path.join(environment, 'ready'), '');
}

const { values: options } = parseArgs({ options: { python: { type: 'boolean' } } });
installPeer();
await makeModels();
await makeUnet();
if (options.python) installPython();
