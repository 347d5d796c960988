import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { allFlags, type CliCommand } from './command.js';
import { CliError, usageError } from '../process/exit.js';
import { choiceFlag, type Flag, flagLabel } from './flags.js';
import { didYouMean } from './help.js';

/** Value of a flag in a config file, and its location. */
export interface Setting {
  readonly value: unknown;
  /** File, line and key of the setting. */
  readonly location: string;
}

/** Settings of each section, by flag key. */
export type Config = ReadonlyMap<string, ReadonlyMap<string, Setting>>;

/** Where each secret belongs that users may try to put into a config file. */
const SECRET_ALTERNATIVES: Readonly<Record<string, string>> = {
  invite: 'invite-file, or RXCHAT_INVITE in the environment',
  passphrase: 'passphrase-file, or RXCHAT_PASSPHRASE in the environment',
  password: 'passphrase-file, or RXCHAT_PASSPHRASE in the environment',
  'access-token': 'access-token-file, or RXCHAT_ACCESS_TOKEN in the environment',
  token: 'access-token-file, or RXCHAT_ACCESS_TOKEN in the environment',
  key: 'key-file, or RXCHAT_KEY in the environment',
  secret: 'invite-file, or RXCHAT_INVITE in the environment',
};

type FlagsByLabel = ReadonlyMap<string, readonly [key: string, flag: Flag]>;

/**
 * Parses a config file: JSON with comments, a section for each command, flags by their long names. Throws a
 * `usageError` with file, line and key. The error never contains a value, since it may be a secret.
 */
export const parseConfig = (text: string, file: string, commands: readonly CliCommand[]): Config => {
  const locate = ({ offset }: { readonly offset: number }): string =>
    `${file}:${text.slice(0, offset).split('\n').length}`;
  const errors: ParseError[] = [];
  const options = { allowTrailingComma: true, allowEmptyContent: true };
  const root = parseTree(text, errors, options);
  const [error] = errors;
  if (error !== undefined) throw usageError(`${locate(error)}: invalid JSON: ${describeParseError(error)}`);
  const knownSections = sectionFlags(commands);
  const sections = new Map<string, ReadonlyMap<string, Setting>>();
  for (const [name, section] of properties(root, file)) {
    const flags = knownSections.get(name.value);
    if (flags === undefined)
      throw usageError(
        `${locate(name)}: unknown section ${name.value}`,
        `there are ${[...knownSections.keys()].join(', ')}`,
      );
    if (sections.has(name.value)) throw usageError(`${locate(name)}: ${name.value}: given twice`);
    const settings = new Map<string, Setting>();
    for (const [key, node] of properties(section, `${locate(name)}: ${name.value}`)) {
      const location = `${locate(key)}: ${name.value}.${key.value}`;
      const [flagKey, flag] =
        flags.get(key.value) ?? rejectUnknownFlag(location, key.value, [...flags.keys()]);
      if (settings.has(flagKey)) throw usageError(`${location}: given twice`);
      settings.set(flagKey, { value: checkValue(flagKey, flag, nodeValue(node), location), location });
    }
    sections.set(name.value, settings);
  }
  return sections;
};

/** Returns the flags that each section may contain: a section per command, and the shared sections. */
const sectionFlags = (commands: readonly CliCommand[]): ReadonlyMap<string, FlagsByLabel> =>
  new Map([
    ...commands.flatMap((command) =>
      command.section === undefined
        ? []
        : [[command.section, flagsByLabel(...commandsInSection(commands, command.section))] as const],
    ),
    ...commands.map((command) => [command.name, flagsByLabel(command)] as const),
  ]);

const commandsInSection = (commands: readonly CliCommand[], section: string): readonly CliCommand[] =>
  commands.filter((command) => command.section === section);

const flagsByLabel = (...commands: readonly CliCommand[]): FlagsByLabel =>
  new Map(
    commands
      .flatMap((command) => Object.entries(allFlags(command)))
      .filter(([key]) => key !== 'help')
      .map(([key, flag]) => [flagLabel(key, flag).slice(2), [key, flag]] as const),
  );

/** Formats a parse error: `CommaExpected` becomes `comma expected`. */
const describeParseError = ({ error }: ParseError): string =>
  printParseErrorCode(error)
    .replaceAll(/(?<=.)[A-Z]/g, ' $&')
    .toLowerCase();

interface PropertyName {
  readonly value: string;
  readonly offset: number;
}

/** Returns the properties of an object node, or none if there is no node. */
const properties = (node: Node | undefined, location: string): readonly (readonly [PropertyName, Node])[] => {
  if (node === undefined) return [];
  if (node.type !== 'object') throw usageError(`${location}: must be an object, {…}`);
  return (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
    name === undefined || value === undefined
      ? []
      : [[{ value: String(name.value), offset: name.offset }, value]],
  );
};

const nodeValue = ({ type, children, value }: Node): unknown =>
  type === 'array' ? (children ?? []).map(nodeValue) : type === 'object' ? {} : (value as unknown);

const rejectUnknownFlag = (location: string, name: string, names: readonly string[]): never => {
  const alternative = SECRET_ALTERNATIVES[name];
  if (alternative !== undefined && Object.hasOwn(SECRET_ALTERNATIVES, name))
    throw usageError(`${location}: secrets are not allowed in this file`, `use ${alternative}`);
  throw usageError(`${location}: unknown flag`, didYouMean(name, names) ?? `there are ${names.join(', ')}`);
};

/**
 * Returns a value as the command line would give it. Checks only its type and choices; the command checks the
 * rest.
 */
const checkValue = (key: string, flag: Flag, value: unknown, location: string): unknown => {
  if (flag.type === 'boolean') {
    if (typeof value !== 'boolean') throw usageError(`${location}: must be true or false`);
    return flag.negated === true ? !value : value;
  }
  if (flag.type === 'number') {
    if (typeof value !== 'number') throw usageError(`${location}: must be a number, without quotes`);
    return value;
  }
  const values: readonly unknown[] = flag.multiple === true && Array.isArray(value) ? value : [value];
  for (const each of values) {
    if (typeof each !== 'string')
      throw usageError(
        `${location}: must be a text in quotes${flag.multiple === true ? ', or a list of them' : ''}`,
      );
    if (each.includes('rxchat:'))
      throw usageError(`${location}: invites are not allowed in this file`, `put it in a file of its own`);
    const { choices: [first, ...others] = [] } = flag;
    if (first !== undefined)
      withLocation(location, () => choiceFlag({ [key]: each }, key, [first, ...others]));
  }
  return flag.multiple === true ? values : value;
};

const withLocation = (location: string, check: () => unknown): void => {
  try {
    check();
  } catch (error) {
    throw error instanceof CliError ? usageError(`${location}: ${error.message}`) : error;
  }
};
