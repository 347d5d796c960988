import meow from 'meow';
import { calledAs } from './calledAs.js';
import { type Command, flagsOf } from './commandTable.js';
import { type CliError, usageError } from './exit.js';
import { type Args, type Flag, flagName } from './flags.js';
import { suggestion } from './suggestion.js';

/**
 * Reads the words after the name of a command, as getopt does: a flag that takes a value takes the next word whatever that
 * begins with, `--` ends the flags, and `-qm TEXT` is `-q -m TEXT`. Returns `help` if that flag comes before any fault.
 * Throws a `usageError`, which repeats no value: it may be a secret.
 */
export const parseArguments = (command: Command, argv: readonly string[]): Args | 'help' => {
  const words = wordsOf(command, argv);
  if (words === 'help') return words;
  checkInput(command, words);
  const { flags } = meow({
    importMeta: import.meta,
    argv: words.given.map(asOneWord),
    // It names the process after its package, for lists of processes.
    pkg: { name: 'rxchat', bin: 'rxchat' },
    autoHelp: false,
    autoVersion: false,
    booleanDefault: undefined,
    flags: Object.fromEntries(
      Object.entries(flagsOf(command)).map(([key, { type, multiple }]) => [
        key,
        { type, ...(multiple && { isMultiple: true }) },
      ]),
    ),
  });
  return { input: words.input, flags };
};

/** What a word of a command line means. */
interface Meaning {
  readonly key: string;
  readonly flag: Flag;
  /** `--no-…`. */
  readonly isOff: boolean;
}

interface Given extends Meaning {
  /** A switch has none. */
  readonly value: string | undefined;
}

interface Words {
  readonly given: readonly Given[];
  readonly input: readonly string[];
}

const meaningsOf = (command: Command): ReadonlyMap<string, Meaning> =>
  new Map(
    Object.entries(flagsOf(command)).flatMap(([key, flag]): readonly (readonly [string, Meaning])[] => {
      const on = { key, flag, isOff: false };
      const long = flagName(key);
      return [
        [long, on],
        ...(flag.short === undefined ? [] : [[flagName(flag.short), on] as const]),
        ...(flag.type === 'boolean' ? [[`--no-${long.slice(2)}`, { ...on, isOff: true }] as const] : []),
      ];
    }),
  );

const wordsOf = (command: Command, argv: readonly string[]): Words | 'help' => {
  const meanings = meaningsOf(command);
  const rest = [...argv];
  const input: string[] = [];
  const given: Given[] = [];

  const take = (name: string, attached: string | undefined): 'help' | undefined => {
    const meaning = meanings.get(name);
    if (meaning === undefined) throw unknownFlag(command, name, meanings);
    const { key, flag, isOff } = meaning;
    if (key === 'help' && !isOff) return 'help';
    if (flag.multiple !== true && given.some((each) => each.key === key))
      throw usageError(`${flagName(key)} is given twice`);
    if (flag.type === 'boolean') {
      if (attached !== undefined) throw usageError(`${name} takes no value`);
      given.push({ ...meaning, value: undefined });
      return undefined;
    }
    const value = attached ?? rest.shift();
    if (value === undefined || (flag.type === 'number' && value.trim() === ''))
      throw usageError(`${name} needs a value`, `give it as ${name}=${flag.value ?? 'VALUE'}`);
    given.push({ ...meaning, value });
    return undefined;
  };

  /** `-qm TEXT`, `-mTEXT`, `-m=TEXT`. */
  const takeShort = (letters: string): 'help' | undefined => {
    const [letter = '', ...others] = Array.from(letters);
    const behind = others.join('');
    const name = `-${letter}`;
    const isSwitch = meanings.get(name)?.flag.type === 'boolean';
    if (behind === '' || (isSwitch && !behind.startsWith('='))) {
      return take(name, undefined) ?? (behind === '' ? undefined : takeShort(behind));
    }
    return take(name, behind.replace(/^=/, ''));
  };

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { given, input: [...input, ...rest] };
    const [, name = '', attached] = /^(--[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (word === '-' || !word.startsWith('-')) input.push(word);
    else if ((name === '' ? takeShort(word.slice(1)) : take(name, attached)) === 'help') return 'help';
  }
  return { given, input };
};

/** A flag with its value as a word of which meow changes nothing; of a text it takes a pair of quotes away. */
const asOneWord = ({ key, flag, isOff, value }: Given): string => {
  const name = flagName(key);
  if (value === undefined) return isOff ? `--no-${name.slice(2)}` : name;
  return flag.type === 'number' ? `${name}=${value}` : `${name}="${value}"`;
};

const checkInput = ({ name, inputs, inputChoices }: Command, { input, given }: Words): void => {
  if (input.length > inputs) {
    const swallowed = given.find(({ value }) => value !== undefined && /^--?[a-z]/.test(value));
    throw usageError(
      `${name} takes ${inputs === 0 ? 'no' : 'one'} argument`,
      swallowed === undefined
        ? helpHint(name)
        : `the word behind ${flagName(swallowed.key)} is its value, though it begins with -`,
    );
  }
  if (input[0] === 'help' && inputChoices === undefined)
    throw usageError('help is not an invite', helpHint(name));
};

/** What to do about a command line that cannot be read. */
export const helpHint = (name?: string): string =>
  `see ${calledAs()} ${name === undefined ? '' : `${name} `}--help`;

const unknownFlag = (command: Command, name: string, meanings: ReadonlyMap<string, Meaning>): CliError => {
  // Whatever is not shaped like a flag may be a message or a secret.
  const isShaped = /^--?[\w-]{1,40}$/.test(name);
  const hint =
    (isShaped ? suggestion(name, Object.keys(flagsOf(command)).map(flagName)) : undefined) ??
    (meanings.has('-m')
      ? `a text that begins with - is given as -m=TEXT; ${helpHint(command.name)}`
      : helpHint(command.name));
  return usageError(
    isShaped ? `unknown flag for ${command.name}: ${name}` : `unknown flag for ${command.name}`,
    hint,
  );
};
