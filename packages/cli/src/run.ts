/**
 * @module
 * Runs a command line and turns whatever happens into an exit code and, at most, one line of complaint.
 */
import { type Command, CommanderError } from 'commander';
import { type ExitCode, errorCodeOf, exitCodeOf, exitCodes, InterruptedError } from './exit.js';
import { createProgram } from './program.js';
import type { Runtime } from './runtime.js';

/** `args` without the program's own name. Never throws. */
export async function run(args: readonly string[], runtime: Runtime): Promise<ExitCode> {
  const stopListening = runtime.interrupts.listen();
  try {
    const program = createProgram(runtime);
    exitByThrowing(program, runtime);
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      // Commander has told standard error.
      await report('usage', error.message.replace(/^error: /, ''), args, runtime);
      return exitCodes.usage;
    }
    if (!(error instanceof InterruptedError)) await complain(error, args, runtime);
    return exitCodeOf(error);
  } finally {
    stopListening();
  }
}

/** Commander would end the process itself; subcommands do not inherit the setting once they exist. */
function exitByThrowing(command: Command, runtime: Runtime): void {
  command.exitOverride();
  command.configureOutput({ writeErr: (text) => runtime.stderr.write(text) });
  for (const child of command.commands) exitByThrowing(child, runtime);
}

async function complain(error: unknown, args: readonly string[], runtime: Runtime): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await report(errorCodeOf(error), message, args, runtime);
  runtime.stderr.write(`triptych: ${message}\n`);
  if (runtime.env.TRIPTYCH_DEBUG !== undefined && error instanceof Error) {
    runtime.stderr.write(`${error.stack}\n`);
  }
}

/** With `--json` among the arguments, even ones that make no sense otherwise, a failure is an object. */
async function report(
  code: string,
  message: string,
  args: readonly string[],
  runtime: Runtime,
): Promise<void> {
  if (!args.includes('--json')) return;
  await runtime.stdout.json({ error: { code, message } }).catch(() => undefined);
}
