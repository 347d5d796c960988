import { lastValueFrom } from 'rxjs';
import { sanitizeLines } from '../text/sanitize.js';
import { writeError, writeOut } from '../terminal/write.js';
import { programName } from './process/environment.js';
import { type CliCommand, loadCommand } from './args/command.js';
import type { Args } from './args/flags.js';
import { COMMANDS } from './registry.js';
import { loadConfig, withConfigLocation, mergeConfig } from './args/config.js';
import { reportError, Exit, toCliError, usageError } from './process/exit.js';
import { commandHelp, helpHint, programHelp, didYouMean } from './args/help.js';
import { ignoreBrokenPipe } from './process/stdio.js';

/** Runs a command line and sets the exit code. The process ends by itself, so that no output is cut off. */
export const main = async (argv: readonly string[], version: string): Promise<void> => {
  // Node would print the error unsanitized, and part of it may come from other users.
  process.on('uncaughtException', (error) => {
    try {
      reportError(toCliError(error));
    } finally {
      process.exit(Exit.unexpected);
    }
  });
  ignoreBrokenPipe();
  try {
    const code = await runCommandLine(argv, version);
    // A failed write has set the exit code already.
    process.exitCode ??= code;
  } catch (error) {
    const failure = toCliError(error);
    reportError(failure);
    process.exitCode = failure.exitCode;
  }
};

const runCommandLine = async ([name, ...rest]: readonly string[], version: string): Promise<number> => {
  // Without a command, on a terminal, the user wants to chat.
  if (name === undefined && process.stdin.isTTY && process.stdout.isTTY)
    return runCommandLine(['join'], version);
  if (name === undefined) {
    writeError(sanitizeLines(programHelp(COMMANDS)));
    return Exit.usage;
  }
  if (['--version', '-v', '-V'].includes(name)) return printText(version);
  const isHelp = ['--help', '-h', 'help'].includes(name);
  const [wanted = ''] = isHelp ? rest : [name];
  if (isHelp && !/^[a-z]/i.test(wanted)) return printHelp(programHelp(COMMANDS));
  const command = COMMANDS.find((each) => each.name === wanted);
  if (command === undefined) throw unknownCommandError(wanted);
  const given = isHelp ? 'help' : await parseWords(command, rest);
  if (given === 'help') return printHelp(commandHelp(command));
  const { args, settings } = mergeConfig(command, given, await loadConfig(COMMANDS), process.env);
  try {
    const runCommand = await loadCommand(command, args);
    const loadFlags = async () =>
      mergeConfig(command, given, await loadConfig(COMMANDS), process.env).args.flags;
    return await lastValueFrom(runCommand(args, { version, loadFlags }), { defaultValue: Exit.ok });
  } catch (error) {
    throw withConfigLocation(toCliError(error), settings);
  }
};

/** Parses the arguments. Loads meow only now, because the help does not need it. */
const parseWords = async (command: CliCommand, words: readonly string[]): Promise<Args | 'help'> =>
  (await import('./args/parseArguments.js')).parseArguments(command, words);

const printText = (text: string): number => {
  writeOut(sanitizeLines(text));
  return Exit.ok;
};

/** Prints a help text. Wraps it to the width of the terminal; another program gets it unwrapped. */
const printHelp = async (help: string): Promise<number> => {
  if (!process.stdout.isTTY) return printText(help);
  const { wrapHelp } = await import('./args/wrapHelp.js');
  writeOut(wrapHelp(help, process.stdout.columns || 80));
  return Exit.ok;
};

const unknownCommandError = (name: string) => {
  const names = COMMANDS.map((each) => each.name);
  // The word may be an invite with a secret, so it is not repeated.
  if (/^(rxchat|https?):/.test(name))
    return usageError('an invite is not a command', `did you mean ${programName()} join INVITE?`);
  if (name.startsWith('-'))
    return usageError('a flag is not a command', `the command comes first; ${helpHint()}`);
  if (!/^[a-z]+$/i.test(name)) return usageError('the first argument is not a command', helpHint());
  return usageError(`unknown command: ${name}`, didYouMean(name, names) ?? helpHint());
};
