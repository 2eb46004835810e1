/**
 * Compiles the C++ sources with the system compiler, two at a time, reusing objects whose inputs have not
 * changed (a hash of the command, the source and every header), and links them. Used by build, test and sanitize.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');
const cppRoot = path.join(root, 'cpp');

export const avx2 = ['-mavx2', '-mfma', '-mf16c'];
const avx512 = [
  ...avx2,
  '-mavx512f',
  '-mavx512bw',
  '-mavx512vl',
  '-mavx512dq',
  '-mavx512vnni',
  '-mprefer-vector-width=512',
  // GCC 12 warns about its own headers (bug 105593: `__m512 __Y = __Y;`).
  '-Wno-uninitialized',
  '-Wno-maybe-uninitialized',
];
/** GCC before 12 does not know it; the kernels that need it (attention on AMX) then leave themselves out. */
const halfPrecision = '-mavx512fp16';
/** Flags by file name ending: the one place where an instruction set is switched on. */
const defaultIsaFlags = {
  _avx2: avx2,
  _avxvnni: [...avx2, '-mavxvnni'],
  _avx512: avx512,
  _avx512bf16: [...avx512, '-mavx512bf16'],
  _amx: [...avx512, '-mavx512bf16', halfPrecision, '-mamx-tile', '-mamx-int8', '-mamx-bf16'],
};

/** Throwing in an environment that is being torn down (a worker thread's) would end the process. */
const addonFlags = ['-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'];

/** Every file under cpp/ with this ending, relative to cpp/, sorted. */
function list(ending) {
  return fs
    .readdirSync(cppRoot, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(ending))
    .sort();
}

function isaOf(file) {
  return Object.keys(defaultIsaFlags).find((suffix) => path.basename(file, '.cpp').endsWith(suffix));
}

/** Sources of the addon or of the tests; `portable` leaves out the files of instruction sets, as other processors do. */
function sources({ tests, portable }) {
  return list('.cpp')
    .filter((file) => (tests ? !file.startsWith('addon') : !file.startsWith('test')))
    .filter((file) => !portable || isaOf(file) === undefined);
}

function includes() {
  const require = createRequire(import.meta.url);
  const dirOf = (name) => path.dirname(require.resolve(`${name}/package.json`));
  return [
    `-I${dirOf('node-addon-api')}`,
    `-I${path.join(dirOf('node-api-headers'), 'include')}`,
    `-I${cppRoot}`,
  ];
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('error', (cause) =>
      reject(
        new Error(`cannot run the C++ compiler '${command}': install g++ or clang++, or set CXX`, { cause }),
      ),
    );
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${command} ${args.join(' ')}\n${output}`)),
    );
  });
}

async function accepts(compiler, flag) {
  return run(compiler, [flag, '-fsyntax-only', '-x', 'c++', os.devNull]).then(
    () => true,
    () => false,
  );
}

/**
 * Compiles `files` into `outDir` and returns the object paths.
 * @param {{files: string[], outDir: string, portable: boolean, flags: string[], isaFlags: object, replaced: object, onProgress?: (done: number, total: number, file: string) => void}} options
 */
async function compile({ files, outDir, portable, flags, isaFlags, replaced, onProgress }) {
  const compiler = process.env.CXX ?? 'c++';
  const headers = createHash('sha256');
  for (const file of [...list('.h'), ...list('.inl')].sort())
    headers.update(file).update(fs.readFileSync(path.join(cppRoot, file)));
  const headerHash = headers.digest('hex');
  fs.mkdirSync(outDir, { recursive: true });
  const common = [
    '-std=c++20',
    '-O3',
    '-fPIC',
    '-pthread',
    '-Wall',
    '-Wextra',
    '-ffp-contract=off',
    '-fvisibility=hidden',
    '-DNAPI_VERSION=9',
    '-DNODE_ADDON_API_DISABLE_DEPRECATED',
    '-DNAPI_DISABLE_CPP_EXCEPTIONS',
    ...(portable ? [] : ['-DTRIPTYCH_X86=1']),
    ...includes(),
    ...flags,
  ];
  const unknown = portable || (await accepts(compiler, halfPrecision)) ? undefined : halfPrecision;
  const jobs = files.map((file) => {
    const args = [
      ...common,
      ...(isaFlags[isaOf(file)] ?? []).filter((flag) => flag !== unknown),
      ...(file.startsWith('addon') ? addonFlags : []),
    ];
    const source = replaced[file] ?? path.join(cppRoot, file);
    const hash = createHash('sha256')
      .update(JSON.stringify([compiler, args]))
      .update(headerHash)
      .update(fs.readFileSync(source))
      .digest('hex')
      .slice(0, 16);
    return {
      file,
      source,
      args,
      object: path.join(outDir, `${file.replaceAll(path.sep, '_').slice(0, -4)}.${hash}.o`),
    };
  });
  const missing = jobs.filter((job) => !fs.existsSync(job.object));
  // Slowest first keeps both cores busy to the end.
  missing.sort((a, b) => fs.statSync(b.source).size - fs.statSync(a.source).size);
  let next = 0;
  let done = 0;
  const lanes = Math.max(1, Math.min(os.availableParallelism(), 16));
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < missing.length) {
        const job = missing[next++];
        const partial = `${job.object}.${process.pid}.tmp`;
        await run(compiler, [...job.args, '-c', job.source, '-o', partial]);
        fs.renameSync(partial, job.object);
        onProgress?.(++done, missing.length, job.file);
      }
    }),
  );
  const keep = new Set(jobs.map((job) => job.object));
  const prefixes = jobs.map((job) => job.object.replace(/\.[0-9a-f]{16}\.o$/, '.'));
  for (const name of fs.readdirSync(outDir)) {
    const file = path.join(outDir, name);
    if (name.endsWith('.o') && !keep.has(file) && prefixes.some((prefix) => file.startsWith(prefix)))
      fs.rmSync(file, { force: true });
  }
  return jobs.map((job) => job.object);
}

/**
 * Compiles and links the addon or the tests; returns the path of the result.
 * @param {{tests: boolean, output: string, outDir: string, portable?: boolean, flags?: string[], filter?: string, isaFlags?: object, replaced?: object, onProgress?: (done: number, total: number, file: string) => void}} options
 *   `isaFlags`: instead of the usual ones, by file name ending. `replaced`: other sources for some files, or none.
 *   `portable`: only what a processor without x86 instruction sets gets. `filter`: only test files with this in their name.
 */
export async function link({
  tests,
  output,
  outDir,
  portable = process.arch !== 'x64',
  flags: extra = [],
  filter,
  isaFlags = {},
  replaced = {},
  onProgress,
}) {
  // A warning is an error for us, not for somebody whose compiler knows other warnings.
  const flags = tests ? ['-Werror', ...extra] : extra;
  let files = sources({ tests, portable });
  if (filter)
    files = files.filter(
      (file) => !file.startsWith('test') || file.endsWith('main.cpp') || file.includes(filter),
    );
  files = files.filter((file) => !(file in replaced) || replaced[file] !== undefined);
  const objects = await compile({
    files,
    outDir,
    portable,
    flags,
    isaFlags: { ...defaultIsaFlags, ...isaFlags },
    replaced,
    onProgress,
  });
  const stampFile = `${output}.stamp`;
  const stamp = createHash('sha256')
    .update(JSON.stringify([objects, flags]))
    .digest('hex');
  if (fs.existsSync(output) && fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp)
    return output;
  const shared = tests
    ? []
    : process.platform === 'darwin'
      ? ['-shared', '-undefined', 'dynamic_lookup']
      : ['-shared'];
  const partial = `${output}.${process.pid}.tmp`;
  await run(process.env.CXX ?? 'c++', ['-pthread', ...shared, ...flags, ...objects, '-o', partial]);
  fs.renameSync(partial, output);
  fs.writeFileSync(stampFile, stamp);
  return output;
}
