/** Small helpers the repository's scripts share: run a command, hash a set of files. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

/** Runs a command with inherited output; resolves with its exit code (128 + signal number is not distinguished: 1). */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Path of a package's command, run through Node so that no shell wrapper is needed. */
export function bin(file) {
  return path.join(root, 'node_modules', file);
}

/** A hash over the contents and names of all files below `folders` (relative to the root), `skip` tested per path. */
export function hashFiles(folders, skip = () => false) {
  const hash = createHash('sha256');
  const visit = (entry) => {
    if (skip(entry)) return;
    const absolute = path.join(root, entry);
    const stat = fs.statSync(absolute, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      for (const name of fs.readdirSync(absolute).sort()) visit(path.join(entry, name));
    } else {
      hash.update(entry).update('\0').update(fs.readFileSync(absolute)).update('\0');
    }
  };
  for (const folder of folders) visit(folder);
  return hash.digest('hex');
}
