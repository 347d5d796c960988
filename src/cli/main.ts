import { closestMatch } from 'leven';
import meow from 'meow';
import { lastValueFrom } from 'rxjs';
import { visibleLines } from '../terminal/visible.js';
import { writeError, writeOut } from '../terminal/write.js';
import { type Command, COMMANDS } from './commandTable.js';
import { complain, Exit, toCliError, usageError } from './exit.js';
import { type Args, flagName } from './flags.js';
import { commandHelp, programHelp } from './help.js';
import { loadCommand } from './wire.js';

/** Runs a command line; sets the exit code and lets the process end by itself, so that nothing written is cut off. */
export const main = async (argv: readonly string[], version: string): Promise<void> => {
  // Node would print what was thrown as it is, and a part of it may come from others.
  process.once('uncaughtException', (error) => {
    complain(toCliError(error));
    process.exit(Exit.unexpected);
  });
  // That nobody reads the notes any more is no reason to end what they are about.
  process.stderr.on('error', () => undefined);
  try {
    process.exitCode = await run(argv, version);
  } catch (error) {
    const failure = toCliError(error);
    complain(failure);
    process.exitCode = failure.exitCode;
  }
};

const run = async ([name, ...rest]: readonly string[], version: string): Promise<number> => {
  if (name === undefined) {
    writeError(visibleLines(programHelp()));
    return Exit.usage;
  }
  if (name === '--help' || name === '-h' || name === 'help') return print(programHelp());
  if (name === '--version') return print(version);
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) throw unknownCommand(name);
  if (rest.includes('--help') || rest.includes('-h')) return print(commandHelp(command));
  const args = parse(command, rest);
  const start = await loadCommand(command, args);
  return lastValueFrom(start(args), { defaultValue: Exit.ok });
};

const print = (text: string): number => {
  writeOut(visibleLines(text));
  return Exit.ok;
};

const parse = (command: Command, argv: readonly string[]): Args => {
  needValues(command, argv);
  const { input, flags } = meow({
    importMeta: import.meta,
    argv,
    // It names the process after its package, for lists of processes.
    pkg: { name: 'rxchat', bin: 'rxchat' },
    autoHelp: false,
    autoVersion: false,
    booleanDefault: undefined,
    flags: Object.fromEntries(
      Object.entries(command.flags).map(([key, { type, short, multiple }]) => [
        key,
        { type, ...(short !== undefined && { shortFlag: short }), ...(multiple && { isMultiple: true }) },
      ]),
    ),
  });
  for (const key of Object.keys(flags))
    if (command.flags[key] === undefined) throw unknownFlag(command, flagName(key));
  if (input.length > command.inputs)
    throw usageError(
      `${command.name} takes ${command.inputs === 0 ? 'no' : 'one'} argument`,
      helpHint(command.name),
    );
  return { input: input.map(String), flags };
};

/** The parser takes a flag that lacks its value for one that was not given, and one given twice for a fault of ours. */
const needValues = ({ flags }: Command, argv: readonly string[]): void => {
  for (const [key, { type, short, multiple }] of Object.entries(flags)) {
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

const helpHint = (name?: string): string => `see rxchat ${name === undefined ? '' : `${name} `}--help`;

const unknownCommand = (name: string) => {
  const names = COMMANDS.map((each) => each.name);
  // An invite or a flag in place of the command: not to be repeated, it may hold a secret.
  if (!/^[a-z]+$/i.test(name)) return usageError('the first argument is not a command', helpHint());
  return usageError(`unknown command: ${name}`, suggestion(name, names) ?? helpHint());
};

const unknownFlag = ({ name, flags }: Command, flag: string) =>
  usageError(
    `unknown flag for ${name}: ${flag}`,
    suggestion(flag, [...Object.keys(flags).map(flagName), '--help']) ?? helpHint(name),
  );

const suggestion = (word: string, candidates: readonly string[]): string | undefined => {
  // A short word is near to too many others.
  const maxDistance = Math.min(3, Math.ceil(word.length / 3));
  const closest = closestMatch(word, candidates, { maxDistance });
  return closest === undefined ? undefined : `did you mean ${closest}?`;
};
