import { allFlags, type CliCommand } from './command.js';
import { ENVIRONMENT, FILES } from '../process/environment.js';
import { EXIT_CODES } from '../process/exit.js';
import { type Flag, flagLabel } from './flags.js';

/** Returns the manual page in mdoc, which both groff and mandoc read. */
export const manual = (commands: readonly CliCommand[], version: string, day: Date): string =>
  [
    `.Dd ${formatDate(day)}`,
    '.Dt RXCHAT 1',
    `.Os rxchat ${version}`,
    '.Sh NAME',
    '.Nm rxchat',
    '.Nd end-to-end encrypted group chat as a stream',
    '.Sh SYNOPSIS',
    ...commands.flatMap(({ name, input }) => [
      '.Nm',
      `.Cm ${name}`,
      '.Op Ar options',
      ...(input === '' ? [] : input.split(' ').map(argumentMacro)),
    ]),
    '.Nm',
    '.Fl \\-help | Fl \\-version',
    '.Sh DESCRIPTION',
    ...DESCRIPTION,
    '.Sh COMMANDS',
    ...commands.flatMap(commandSection),
    '.Sh ENVIRONMENT',
    ...tagList([...ENVIRONMENT, XDG].map(([name, meaning]) => [`Ev ${name}`, meaning])),
    '.Sh FILES',
    'Unless the XDG variables or',
    '.Ev RXCHAT_HOME',
    'name other directories:',
    ...tagList(FILES.map(([path, meaning]) => [`Pa ${escapeWord(path)}`, meaning])),
    '.Pp',
    'The config file is JSON with comments: a section for each command, and one,',
    '.Ql clients ,',
    'for join, send and listen; in each, flags by their long names without the dashes.',
    'The command line overrides the environment, which overrides the file.',
    'It must not contain secrets.',
    '.Sh EXIT STATUS',
    ...tagList(EXIT_CODES.map(([code, meaning]) => [`"${escapeWord(code)}"`, meaning])),
    '',
  ].join('\n');

const argumentMacro = (argument: string): string =>
  argument.startsWith('[') ? `.Op Ar ${argument.slice(1, -1)}` : `.Ar ${argument}`;

const XDG = [
  'XDG_CONFIG_HOME , XDG_DATA_HOME , XDG_STATE_HOME',
  'the directories of the platform, by the XDG Base Directory Specification',
] as const;

const DESCRIPTION = [
  'A relay, which cannot read the messages, and its clients.',
  'The invite of a room admits anyone who has it.',
  'Messages go to standard output, and everything else to standard error.',
];

const commandSection = (command: CliCommand): readonly string[] => [
  `.Ss ${command.name}`,
  `${capitalize(escapeLine(command.summary))}.`,
  '.Bd -literal -offset indent',
  ...command.examples.map(escapeLine),
  '.Ed',
  ...tagList(Object.entries(allFlags(command)).map(([key, flag]) => [flagItem(key, flag), flag.help])),
];

const flagItem = (key: string, flag: Flag): string =>
  [
    flag.short === undefined ? '' : `Fl ${flag.short} , `,
    `Fl ${escapeWord(flagLabel(key, flag).slice(1))}`,
    flag.placeholder === undefined ? '' : ` Ar ${escapeWord(flag.placeholder)}`,
  ].join('');

const tagList = (items: readonly (readonly [item: string, meaning: string])[]): readonly string[] => [
  '.Bl -tag -width Ds',
  ...items.flatMap(([item, meaning]) => [`.It ${item}`, escapeLine(meaning)]),
  '.El',
];

/** Escapes dashes, backslashes and tildes, which have a meaning in mdoc. */
const escapeText = (text: string): string =>
  text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('~', '\\(ti').replaceAll("'", '\\(aq');

/** Escapes a line so that mdoc does not read it as a request. */
const escapeLine = (text: string): string => escapeText(text).replace(/^[.']/, '\\&$&');

/** Escapes an argument so that mdoc does not read it as a macro. */
const escapeWord = (text: string): string => `\\&${escapeText(text)}`;

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const formatDate = (day: Date): string =>
  new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(day);
