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
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
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
  if (args.includes('--json')) {
    const report = { error: { code: errorCodeOf(error), message } };
    await runtime.stdout.json(report).catch(() => undefined);
  }
  runtime.stderr.write(`triptych: ${message}\n`);
  if (runtime.env.TRIPTYCH_DEBUG !== undefined && error instanceof Error) {
    runtime.stderr.write(`${error.stack}\n`);
  }
}
