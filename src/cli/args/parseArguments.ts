import meow from 'meow';
import { helpHint, didYouMean } from './help.js';
import { allFlags, type CliCommand } from './command.js';
import { type CliError, usageError } from '../process/exit.js';
import { type Args, type Flag, flagName } from './flags.js';

/**
 * Parses the words after a command name, with the rules of getopt. A flag with a value takes the next word,
 * even if it begins with `-`; `--` ends the flags. `-qm TEXT` is `-q -m TEXT`. Returns `help` if that flag
 * comes before any error.
 *
 * Throws a `usageError`, which never contains a value, since it may be a secret.
 */
export const parseArguments = (command: CliCommand, argv: readonly string[]): Args | 'help' => {
  const parsed = parseWords(command, argv);
  if (parsed === 'help') return parsed;
  checkPositionals(command, parsed);
  const { flags } = meow({
    importMeta: import.meta,
    argv: parsed.parsedFlags.map(formatFlag),
    // meow sets the process title from it, which process lists show.
    pkg: { name: 'rxchat', bin: 'rxchat' },
    autoHelp: false,
    autoVersion: false,
    booleanDefault: undefined,
    flags: Object.fromEntries(
      Object.entries(allFlags(command)).map(([key, { type, multiple }]) => [
        key,
        { type, ...(multiple && { isMultiple: true }) },
      ]),
    ),
  });
  return { input: parsed.input, flags };
};

/** Flag that a word of a command line names. */
interface FlagMatch {
  readonly key: string;
  readonly flag: Flag;
  /** Whether it is given as `--no-…`. */
  readonly isNegated: boolean;
}

interface ParsedFlag extends FlagMatch {
  /** Value of the flag; `undefined` for a switch. */
  readonly value: string | undefined;
}

interface ParsedWords {
  readonly parsedFlags: readonly ParsedFlag[];
  readonly input: readonly string[];
}

const flagsByName = (command: CliCommand): ReadonlyMap<string, FlagMatch> =>
  new Map(
    Object.entries(allFlags(command)).flatMap(([key, flag]): readonly (readonly [string, FlagMatch])[] => {
      const on = { key, flag, isNegated: false };
      const long = flagName(key);
      return [
        [long, on],
        ...(flag.short === undefined ? [] : [[flagName(flag.short), on] as const]),
        ...(flag.type === 'boolean' ? [[`--no-${long.slice(2)}`, { ...on, isNegated: true }] as const] : []),
      ];
    }),
  );

const parseWords = (command: CliCommand, argv: readonly string[]): ParsedWords | 'help' => {
  const known = flagsByName(command);
  const rest = [...argv];
  const input: string[] = [];
  const parsedFlags: ParsedFlag[] = [];

  const addFlag = (name: string, attached: string | undefined): 'help' | undefined => {
    const match = known.get(name);
    if (match === undefined) throw unknownFlagError(command, name, known);
    const { key, flag, isNegated } = match;
    if (key === 'help' && !isNegated) return 'help';
    if (flag.multiple !== true && parsedFlags.some((each) => each.key === key))
      throw usageError(`${flagName(key)} is given twice`);
    if (flag.type === 'boolean') {
      if (attached !== undefined) throw usageError(`${name} takes no value`);
      parsedFlags.push({ ...match, value: undefined });
      return undefined;
    }
    const value = attached ?? rest.shift();
    if (value === undefined || value === '' || (flag.type === 'number' && value.trim() === ''))
      throw usageError(`${name} needs a value`, `give it as ${name}=${flag.placeholder ?? 'VALUE'}`);
    parsedFlags.push({ ...match, value });
    return undefined;
  };

  /** Adds the flags of `-qm TEXT`, `-mTEXT` or `-m=TEXT`. */
  const addShortFlags = (letters: string): 'help' | undefined => {
    const [letter = '', ...others] = Array.from(letters);
    const following = others.join('');
    const name = `-${letter}`;
    const isSwitch = known.get(name)?.flag.type === 'boolean';
    if (following === '' || (isSwitch && !following.startsWith('='))) {
      return addFlag(name, undefined) ?? (following === '' ? undefined : addShortFlags(following));
    }
    return addFlag(name, following.replace(/^=/, ''));
  };

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { parsedFlags, input: [...input, ...rest] };
    const [, name = '', attached] = /^(--[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (word === '-' || !word.startsWith('-')) input.push(word);
    else if ((name === '' ? addShortFlags(word.slice(1)) : addFlag(name, attached)) === 'help') return 'help';
  }
  return { parsedFlags, input };
};

/**
 * Formats a flag and its value as a word for meow. The quotes protect a text, since meow removes a pair of
 * them.
 */
const formatFlag = ({ key, flag, isNegated, value }: ParsedFlag): string => {
  const name = flagName(key);
  if (value === undefined) return isNegated ? `--no-${name.slice(2)}` : name;
  return flag.type === 'number' ? `${name}=${value}` : `${name}="${value}"`;
};

const checkPositionals = (
  { name, input: placeholder, maxInputs, inputChoices }: CliCommand,
  { input, parsedFlags }: ParsedWords,
): void => {
  if (input.length > maxInputs) {
    const flagLikeValue = parsedFlags.find(({ value }) => value !== undefined && /^--?[a-z]/.test(value));
    throw usageError(
      `${name} takes ${['no argument', 'one argument', 'two arguments'][maxInputs] ?? ''}`,
      flagLikeValue === undefined
        ? helpHint(name)
        : `the word after ${flagName(flagLikeValue.key)} is its value, although it starts with -`,
    );
  }
  // An unset variable of a script leaves an empty word. Without the argument, the command could do something else.
  const empty = placeholder.replaceAll(/[[\]]/g, '').split(' ')[input.indexOf('')];
  if (empty !== undefined) throw usageError(`${empty} is empty`, helpHint(name));
  if (input[0] === 'help' && inputChoices === undefined)
    throw usageError('help is not an invite', helpHint(name));
};

const unknownFlagError = (
  command: CliCommand,
  name: string,
  known: ReadonlyMap<string, FlagMatch>,
): CliError => {
  // A word that does not look like a flag may be a message or a secret, so it is not repeated.
  const looksLikeFlag = /^--?[\w-]{1,40}$/.test(name);
  const hint =
    (looksLikeFlag ? didYouMean(name, Object.keys(allFlags(command)).map(flagName)) : undefined) ??
    (known.has('-m')
      ? `give a text that starts with - as -m=TEXT; ${helpHint(command.name)}`
      : helpHint(command.name));
  return usageError(
    looksLikeFlag ? `unknown flag for ${command.name}: ${name}` : `unknown flag for ${command.name}`,
    hint,
  );
};
