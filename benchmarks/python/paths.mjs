/** Where `npm run bench:setup -- --python` puts its virtual environment. */
import fs from 'node:fs';
import path from 'node:path';

export const environment = path.join(import.meta.dirname, '.venv');

/** The environment's interpreter; `undefined` until everything is installed and checked. */
export function pythonOf() {
  const isReady = fs.existsSync(path.join(environment, 'ready'));
  return isReady ? path.join(environment, 'bin', 'python') : undefined;
}

/** What starts PyTorch as an engine under test. */
export function torchCommand() {
  return [pythonOf(), path.join(import.meta.dirname, 'serve.py')];
}
