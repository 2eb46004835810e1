/**
 * @module
 * The command line itself: commands, flags, help. Each command's work is in `commands/`.
 */

import { version } from '@triptych/server';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addAuroraCommands } from './commands/aurora.js';
import { type BenchFlags, bench } from './commands/bench.js';
import { type ChatFlags, chat } from './commands/chat.js';
import { type CompleteFlags, complete } from './commands/complete.js';
import { type EditFlags, edit } from './commands/edit.js';
import { type ServeFlags, serve } from './commands/serve.js';
import { addEngineFlags, addSamplingFlags, integer, integers, number, pictureSize } from './options.js';
import type { Runtime } from './runtime.js';

/** The `triptych` command over a runtime. Parsing runs the chosen command. */
export function createProgram(runtime: Runtime): Command {
  const program = new Command('triptych')
    .description('Generative text and image edits on your own machine')
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
    .option('--cors-origin <origin>', 'allow browsers on this origin; may be repeated', collectOrigin)
    .option('--allow-host <name>', 'answer to this Host name too; may be repeated', collect)
    .option('--no-web', 'no playground')
    .option(
      '--image-model <path>',
      "diffusers folder or file that edits pictures; 'none' for none (default: the one that comes with Triptych)",
    )
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
    .addOption(
      new Option('--batch <sizes>', 'batch sizes of the decode rows')
        .argParser(integers(1, 4096))
        .default([1, 4, 8], '1,4,8'),
    )
    .option('--repeat <count>', 'repetitions; the median is shown', integer(1, 1000), 3)
    .action((flags: BenchFlags) => bench(runtime, flags));

  program
    .command('edit')
    .description('Change a picture by an instruction')
    .argument('[image]', 'PNG, JPEG, WebP, GIF, TIFF or AVIF, any size')
    .argument('[instruction]', 'what to change, such as "make the cube red"')
    .option('-o, --output <file>', 'result: .png, .jpg or .webp (default: <image>-edited.png)')
    .option('-m, --model <path>', 'diffusers folder or file (default: the model that comes with Triptych)')
    .option('-t, --threads <count>', 'threads (default: the CPU quota)', integer(1, 1024))
    .option('--seed <number>', 'same seed, same result (default: random)', integer(0, 2 ** 32 - 1))
    .option('--steps <count>', 'more are slower and finer', integer(1, 100))
    .addOption(
      new Option('--sampler <name>', 'way from noise to picture').choices([
        'ddim',
        'euler',
        'euler-ancestral',
        'dpm++',
      ]),
    )
    .option('--text-guidance <number>', 'follow the instruction: higher changes more', number(1, 20))
    .option('--image-guidance <number>', 'keep the picture: higher changes less', number(1, 5))
    .option('-n, --number <count>', 'results, with seeds counting up: out-1.png, ...', integer(1, 10))
    .option('--negative <text>', 'what the result should not be')
    .option('--mask <file>', 'where to edit: transparent, or white; the rest stays as it is')
    .option('--feather <pixels>', 'width of the seam inside the mask', number(0, 256))
    .option('--size <WxH>', 'size of the result, cropped to fit (default: as the picture)', pictureSize)
    .option('--no-preserve', "the model's whole picture, without the source's finer detail")
    .option('--strip', 'leave the parameters out of the file')
    .option('--preview [file]', 'keep a picture of the running edit in this file')
    .option('--recall <file>', 'take what is not given here from a picture that was edited')
    .option('--batch <file>', 'JSON lines of {"input", "instruction", "output", ...}; done ones are skipped')
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'no progress and no remarks')
    .action((image: string | undefined, instruction: string | undefined, flags: EditFlags) =>
      edit(runtime, image, instruction, flags),
    );
  addAuroraCommands(program, runtime);

  return program;
}

/** An origin as browsers write it. */
function collectOrigin(value: string, earlier: readonly string[] = []): readonly string[] {
  if (value === '*') return collect(value, earlier);
  const { origin, pathname } = URL.canParse(value) ? new URL(value) : { origin: 'null', pathname: '' };
  if (origin === 'null' || pathname !== '/')
    throw new InvalidArgumentError('Give an origin like https://app.example, or *.');
  return collect(origin, earlier);
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
