import { lastValueFrom } from 'rxjs';
import { visibleLines } from '../terminal/visible.js';
import { writeError, writeOut } from '../terminal/write.js';
import { helpHint, parseArguments } from './arguments.js';
import { calledAs } from './calledAs.js';
import { COMMANDS } from './commandTable.js';
import { openConfig } from './config/openConfig.js';
import { blamed, withConfig } from './config/withConfig.js';
import { complain, Exit, toCliError, usageError } from './exit.js';
import { commandHelp, programHelp } from './help.js';
import { surviveReaders } from './process.js';
import { suggestion } from './suggestion.js';
import { loadCommand } from './wire.js';

/** Runs a command line; sets the exit code and lets the process end by itself, so that nothing written is cut off. */
export const main = async (argv: readonly string[], version: string): Promise<void> => {
  // Node would print what was thrown as it is, and a part of it may come from others.
  process.on('uncaughtException', (error) => {
    try {
      complain(toCliError(error));
    } finally {
      process.exit(Exit.unexpected);
    }
  });
  surviveReaders();
  try {
    const code = await run(argv, version);
    // A write that failed has said so already.
    process.exitCode ??= code;
  } catch (error) {
    const failure = toCliError(error);
    complain(failure);
    process.exitCode = failure.exitCode;
  }
};

const run = async ([name, ...rest]: readonly string[], version: string): Promise<number> => {
  // Whoever sits in front of a terminal and says nothing wants to talk.
  if (name === undefined && process.stdin.isTTY && process.stdout.isTTY) return run(['join'], version);
  if (name === undefined) {
    writeError(visibleLines(programHelp()));
    return Exit.usage;
  }
  if (['--version', '-v', '-V'].includes(name)) return print(version);
  const isHelp = ['--help', '-h', 'help'].includes(name);
  const [wanted = ''] = isHelp ? rest : [name];
  if (isHelp && !/^[a-z]/i.test(wanted)) return printHelp(programHelp());
  const command = COMMANDS.find((each) => each.name === wanted);
  if (command === undefined) throw unknownCommand(wanted);
  const given = isHelp ? 'help' : parseArguments(command, rest);
  if (given === 'help') return printHelp(commandHelp(command));
  const { args, settings } = withConfig(command, given, await openConfig(), process.env);
  try {
    const start = await loadCommand(command, args);
    return await lastValueFrom(start(args), { defaultValue: Exit.ok });
  } catch (error) {
    throw blamed(toCliError(error), settings);
  }
};

const print = (text: string): number => {
  writeOut(visibleLines(text));
  return Exit.ok;
};

/** In rows as long as the terminal's; whole where it goes to another program. */
const printHelp = async (help: string): Promise<number> => {
  if (!process.stdout.isTTY) return print(help);
  const { wrapHelp } = await import('./wrapHelp.js');
  writeOut(wrapHelp(help, process.stdout.columns || 80));
  return Exit.ok;
};

const unknownCommand = (name: string) => {
  const names = COMMANDS.map((each) => each.name);
  // An invite or a flag in place of the command: not to be repeated, it may hold a secret.
  if (/^(rxchat|https?):/.test(name))
    return usageError('an invite is not a command', `did you mean ${calledAs()} join INVITE?`);
  if (name.startsWith('-'))
    return usageError('a flag is not a command', `the command comes first; ${helpHint()}`);
  if (!/^[a-z]+$/i.test(name)) return usageError('the first argument is not a command', helpHint());
  return usageError(`unknown command: ${name}`, suggestion(name, names) ?? helpHint());
};
