import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type Command, flagsOf } from '../commandTable.js';
import { CliError, usageError } from '../exit.js';
import { choice, type Flag, flagLabel } from '../flags.js';
import type { Config, Setting } from './config.js';
import { suggestion } from '../suggestion.js';

/** What people may look for in a config file, and where else it belongs. */
const SECRETS: Readonly<Record<string, string>> = {
  invite: 'invite-file, or RXCHAT_INVITE in the environment',
  passphrase: 'passphrase-file, or RXCHAT_PASSPHRASE in the environment',
  password: 'passphrase-file, or RXCHAT_PASSPHRASE in the environment',
  'access-token': 'access-token-file, or RXCHAT_ACCESS_TOKEN in the environment',
  token: 'access-token-file, or RXCHAT_ACCESS_TOKEN in the environment',
  key: 'key-file, or RXCHAT_KEY in the environment',
  secret: 'invite-file, or RXCHAT_INVITE in the environment',
};

type Flags = ReadonlyMap<string, readonly [key: string, flag: Flag]>;

/**
 * The text of a config file: JSON with comments, a section for each command, flags by their long names. Throws a
 * `usageError` that names file, line and key, and never repeats a value: it may be a secret that does not belong there.
 */
export const parseConfig = (text: string, file: string, commands: readonly Command[]): Config => {
  const at = ({ offset }: { readonly offset: number }): string =>
    `${file}:${text.slice(0, offset).split('\n').length}`;
  const errors: ParseError[] = [];
  const options = { allowTrailingComma: true, allowEmptyContent: true };
  const root = parseTree(text, errors, options);
  const [error] = errors;
  if (error !== undefined) throw usageError(`${at(error)}: this is not JSON: ${inWords(error)}`);
  const known = sectionsOf(commands);
  const sections = new Map<string, ReadonlyMap<string, Setting>>();
  for (const [name, section] of members(root, file)) {
    const flags = known.get(name.value);
    if (flags === undefined)
      throw usageError(
        `${at(name)}: there is no section ${name.value}`,
        `there are ${[...known.keys()].join(', ')}`,
      );
    if (sections.has(name.value)) throw usageError(`${at(name)}: ${name.value}: it is given twice`);
    const settings = new Map<string, Setting>();
    for (const [key, node] of members(section, `${at(name)}: ${name.value}`)) {
      const where = `${at(key)}: ${name.value}.${key.value}`;
      const [flagKey, flag] = flags.get(key.value) ?? unknown(where, key.value, [...flags.keys()]);
      if (settings.has(flagKey)) throw usageError(`${where}: it is given twice`);
      settings.set(flagKey, { value: read(flagKey, flag, valueOf(node), where), where });
    }
    sections.set(name.value, settings);
  }
  return sections;
};

/** A section for each command, and those that several share, with the flags that may stand in each. */
const sectionsOf = (commands: readonly Command[]): ReadonlyMap<string, Flags> =>
  new Map([
    ...commands.flatMap((command) =>
      command.section === undefined
        ? []
        : [[command.section, byLabel(...withSection(commands, command.section))] as const],
    ),
    ...commands.map((command) => [command.name, byLabel(command)] as const),
  ]);

const withSection = (commands: readonly Command[], section: string): readonly Command[] =>
  commands.filter((command) => command.section === section);

const byLabel = (...commands: readonly Command[]): Flags =>
  new Map(
    commands
      .flatMap((command) => Object.entries(flagsOf(command)))
      .filter(([key]) => key !== 'help')
      .map(([key, flag]) => [flagLabel(key, flag).slice(2), [key, flag]] as const),
  );

/** `CommaExpected` as `comma expected`. */
const inWords = ({ error }: ParseError): string =>
  printParseErrorCode(error)
    .replaceAll(/(?<=.)[A-Z]/g, ' $&')
    .toLowerCase();

interface Name {
  readonly value: string;
  readonly offset: number;
}

/** The names in an object and what they stand for; none where there is no object at all. */
const members = (node: Node | undefined, where: string): readonly (readonly [Name, Node])[] => {
  if (node === undefined) return [];
  if (node.type !== 'object') throw usageError(`${where}: an object belongs here, {…}`);
  return (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
    name === undefined || value === undefined
      ? []
      : [[{ value: String(name.value), offset: name.offset }, value]],
  );
};

const valueOf = ({ type, children, value }: Node): unknown =>
  type === 'array' ? (children ?? []).map(valueOf) : type === 'object' ? {} : (value as unknown);

const unknown = (where: string, name: string, names: readonly string[]): never => {
  const instead = SECRETS[name];
  if (instead !== undefined && Object.hasOwn(SECRETS, name))
    throw usageError(`${where}: no secret may stand in this file`, `give it by ${instead}`);
  throw usageError(
    `${where}: there is no such flag`,
    suggestion(name, names) ?? `there are ${names.join(', ')}`,
  );
};

/** A value as the command line would have given it. What it has to be beyond its kind, its command checks. */
const read = (key: string, flag: Flag, value: unknown, where: string): unknown => {
  if (flag.type === 'boolean') {
    if (typeof value !== 'boolean') throw usageError(`${where}: it is true or false`);
    return flag.negated === true ? !value : value;
  }
  if (flag.type === 'number') {
    if (typeof value !== 'number') throw usageError(`${where}: it is a number, without quotes`);
    return value;
  }
  const values: readonly unknown[] = flag.multiple === true && Array.isArray(value) ? value : [value];
  for (const each of values) {
    if (typeof each !== 'string')
      throw usageError(
        `${where}: it is a text in quotes${flag.multiple === true ? ', or a list of them' : ''}`,
      );
    if (each.includes('rxchat:'))
      throw usageError(`${where}: no invite may stand in this file`, `put it into a file of its own`);
    const { choices: [first, ...others] = [] } = flag;
    if (first !== undefined) within(where, () => choice({ [key]: each }, key, [first, ...others]));
  }
  return flag.multiple === true ? values : value;
};

const within = (where: string, check: () => unknown): void => {
  try {
    check();
  } catch (error) {
    throw error instanceof CliError ? usageError(`${where}: ${error.message}`) : error;
  }
};
