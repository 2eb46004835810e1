/**
 * `npm start -- <flags of triptych serve>`: builds what is stale, then serves from this very process, so that
 * signals and the exit code need no forwarding.
 */
import path from 'node:path';
import { root, run } from './run.mjs';

// Ctrl-C during the build reaches the compilers too; they end, and so does this.
const code = await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
if (code !== 0) {
  console.error('The build failed, so nothing was started; see the messages above.');
  process.exit(1);
}
// npm runs this through a shell that does not pass SIGTERM on: without its parent the server would stay and hold the
// port. Started directly (nohup, a service manager) it may outlive its parent.
if (process.env.npm_lifecycle_event === 'start') {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

process.argv = [
  process.argv[0],
  path.join(root, 'packages/cli/dist/main.js'),
  'serve',
  ...process.argv.slice(2),
];
await import('../packages/cli/dist/main.js');
