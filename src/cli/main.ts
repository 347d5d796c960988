import meow from 'meow';
import { lastValueFrom } from 'rxjs';
import { visibleLines } from '../terminal/visible.js';
import { writeError, writeOut } from '../terminal/write.js';
import { calledAs } from './calledAs.js';
import { type Command, COMMANDS, flagsOf } from './commandTable.js';
import { openConfig } from './config/openConfig.js';
import { blamed, withConfig } from './config/withConfig.js';
import { complain, Exit, toCliError, usageError } from './exit.js';
import { type Args, flagName } from './flags.js';
import { commandHelp, programHelp } from './help.js';
import { surviveReaders } from './process.js';
import { suggestion } from './suggestion.js';
import { loadCommand } from './wire.js';

/** Runs a command line; sets the exit code and lets the process end by itself, so that nothing written is cut off. */
export const main = async (argv: readonly string[], version: string): Promise<void> => {
  // Node would print what was thrown as it is, and a part of it may come from others.
  process.once('uncaughtException', (error) => {
    complain(toCliError(error));
    process.exit(Exit.unexpected);
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
  if (name === '--help' || name === '-h' || name === 'help') return printHelp(programHelp());
  if (name === '--version') return print(version);
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) throw unknownCommand(name);
  if (rest.includes('--help') || rest.includes('-h')) return printHelp(commandHelp(command));
  const { args, settings } = withConfig(command, parse(command, rest), await openConfig(), process.env);
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

const parse = (command: Command, argv: readonly string[]): Args => {
  const known = flagsOf(command);
  needValues(known, argv);
  const { input, flags } = meow({
    importMeta: import.meta,
    argv,
    // It names the process after its package, for lists of processes.
    pkg: { name: 'rxchat', bin: 'rxchat' },
    autoHelp: false,
    autoVersion: false,
    booleanDefault: undefined,
    flags: Object.fromEntries(
      Object.entries(known).map(([key, { type, short, multiple }]) => [
        key,
        { type, ...(short !== undefined && { shortFlag: short }), ...(multiple && { isMultiple: true }) },
      ]),
    ),
  });
  for (const key of Object.keys(flags))
    if (known[key] === undefined) throw unknownFlag(command, flagName(key));
  if (input.length > command.inputs)
    throw usageError(
      `${command.name} takes ${command.inputs === 0 ? 'no' : 'one'} argument`,
      helpHint(command.name),
    );
  return { input: input.map(String), flags };
};

/** The parser takes a flag that lacks its value for one that was not given, and one given twice for a fault of ours. */
const needValues = (known: Command['flags'], argv: readonly string[]): void => {
  for (const [key, { type, short, multiple }] of Object.entries(known)) {
    const names = [flagName(key), ...(short === undefined ? [] : [flagName(short)])];
    if (multiple !== true && argv.filter((word) => names.includes(word.replace(/=.*/s, ''))).length > 1)
      throw usageError(`${flagName(key)} is given twice`);
    argv.forEach((word, at) => {
      const value = argv[at + 1];
      // The value may be a secret that was meant for somewhere else: not to be repeated.
      if (type === 'boolean' && names.some((name) => word.startsWith(`${name}=`)))
        throw usageError(`${flagName(key)} takes no value`);
      if (type !== 'boolean' && names.includes(word) && (value === undefined || /^-[a-z-]/i.test(value)))
        throw usageError(`${word} needs a value`);
    });
  }
};

const helpHint = (name?: string): string => `see ${calledAs()} ${name === undefined ? '' : `${name} `}--help`;

const unknownCommand = (name: string) => {
  const names = COMMANDS.map((each) => each.name);
  // An invite or a flag in place of the command: not to be repeated, it may hold a secret.
  if (!/^[a-z]+$/i.test(name)) return usageError('the first argument is not a command', helpHint());
  return usageError(`unknown command: ${name}`, suggestion(name, names) ?? helpHint());
};

const unknownFlag = (command: Command, flag: string) =>
  usageError(
    `unknown flag for ${command.name}: ${flag}`,
    suggestion(flag, Object.keys(flagsOf(command)).map(flagName)) ?? helpHint(command.name),
  );
