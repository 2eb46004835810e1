/**
 * @module
 * The command line itself: commands, flags, help. Each command's work is in `commands/`.
 */

import { version } from '@triptych/server';
import { Command, Option } from 'commander';
import { addAuroraCommands } from './commands/aurora.js';
import { type BenchFlags, bench } from './commands/bench.js';
import { type ChatFlags, chat } from './commands/chat.js';
import { type CompleteFlags, complete } from './commands/complete.js';
import { type ServeFlags, serve } from './commands/serve.js';
import { addEngineFlags, addSamplingFlags, integer, integers, number } from './options.js';
import type { Runtime } from './runtime.js';

/** The `triptych` command over a runtime. Parsing runs the chosen command. */
export function createProgram(runtime: Runtime): Command {
  const program = new Command('triptych')
    .description('Generative text on your own machine')
    .version(version, '-V, --version')
    .showHelpAfterError('(triptych --help explains the commands)');

  addEngineFlags(program.command('serve').description('Serve the API and the playground'))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('-p, --port <number>', 'port to listen on, 0 for any', integer(0, 65_535), 8080)
    .option(
      '--api-key <key>',
      'ask for this key; may be repeated (or TRIPTYCH_API_KEY, separated by commas)',
      collect,
    )
    .option('--cors-origin <origin>', 'allow browsers on this origin; may be repeated', collect)
    .option('--allow-host <name>', 'answer to this Host name too; may be repeated', collect)
    .option('--no-web', 'no playground')
    .option('--grace <seconds>', 'time for running answers at shutdown', number(0, 86_400), 10)
    .addOption(
      new Option('--log-level <level>', 'what to log, as JSON lines on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('warn'),
    )
    .action((flags: ServeFlags) => serve(runtime, flags));

  addSamplingFlags(addEngineFlags(program.command('chat').description('Talk to the model')))
    .argument('[message]', 'answer this and end; without it a conversation starts')
    .option('--system <text>', 'system message')
    .action((message: string | undefined, flags: ChatFlags) => chat(runtime, message, flags));

  addSamplingFlags(addEngineFlags(program.command('complete').description('Continue a text')))
    .argument('[prompt]', 'the text; - or nothing reads standard input')
    .option('--echo', 'print the prompt too')
    .option('--stream', 'with --json: one line per event')
    .action((prompt: string | undefined, flags: CompleteFlags) => complete(runtime, prompt, flags));

  addEngineFlags(program.command('bench').description('Measure the speed of a model'))
    .option('--prompt <tokens>', 'prompt length of the prefill row', integer(1, 2 ** 20), 512)
    .option('--tokens <count>', 'tokens per sequence in the decode rows', integer(2, 2 ** 20), 64)
    .option('--batch <sizes>', 'batch sizes of the decode rows', integers(1, 4096), [1, 4, 8])
    .option('--repeat <count>', 'repetitions; the median is shown', integer(1, 1000), 3)
    .action((flags: BenchFlags) => bench(runtime, flags));

  addAuroraCommands(program, runtime);

  return program;
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
