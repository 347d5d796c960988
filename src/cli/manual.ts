import { type Command, flagsOf } from './commandTable.js';
import { ENVIRONMENT, FILES } from './environment.js';
import { EXIT_CODES } from './exit.js';
import { type Flag, flagLabel } from './flags.js';

/** The page of the manual, in mdoc, which both groff and mandoc read. */
export const manual = (commands: readonly Command[], version: string, day: Date): string =>
  [
    `.Dd ${date(day)}`,
    '.Dt RXCHAT 1',
    `.Os rxchat ${version}`,
    '.Sh NAME',
    '.Nm rxchat',
    '.Nd end-to-end encrypted group chat that is a stream',
    '.Sh SYNOPSIS',
    ...commands.flatMap(({ name, input }) => [
      '.Nm',
      `.Cm ${name}`,
      '.Op Ar options',
      ...(input === '' ? [] : [input.startsWith('[') ? `.Op Ar ${input.slice(1, -1)}` : `.Ar ${input}`]),
    ]),
    '.Nm',
    '.Fl \\-help | Fl \\-version',
    '.Sh DESCRIPTION',
    ...DESCRIPTION,
    '.Sh COMMANDS',
    ...commands.flatMap(commandSection),
    '.Sh ENVIRONMENT',
    ...list([...ENVIRONMENT, XDG].map(([name, meaning]) => [`Ev ${name}`, meaning])),
    '.Sh FILES',
    'Where the XDG variables or',
    '.Ev RXCHAT_HOME',
    'do not say otherwise:',
    ...list(FILES.map(([path, meaning]) => [`Pa ${word(path)}`, meaning])),
    '.Pp',
    'The config file is JSON with comments: a section for each command, and one,',
    '.Ql clients ,',
    'for join, send and listen; in each, flags by their long names without the dashes.',
    'The command line counts more than the environment, and that more than the file.',
    'No secret may stand in it.',
    '.Sh EXIT STATUS',
    ...list(EXIT_CODES.map(([code, meaning]) => [`"${word(code)}"`, meaning])),
    '',
  ].join('\n');

const XDG = [
  'XDG_CONFIG_HOME , XDG_DATA_HOME , XDG_STATE_HOME',
  'where the directories of the platform are, by the XDG Base Directory Specification',
] as const;

const DESCRIPTION = [
  'A relay, which cannot read what it relays, and its clients.',
  'A room is made by its invite: whoever has it is in.',
  'Conversation is on standard output, and everything else on standard error.',
];

const commandSection = (command: Command): readonly string[] => [
  `.Ss ${command.name}`,
  `${capital(line(command.summary))}.`,
  '.Bd -literal -offset indent',
  ...command.examples.map(line),
  '.Ed',
  ...list(Object.entries(flagsOf(command)).map(([key, flag]) => [flagItem(key, flag), flag.help])),
];

const flagItem = (key: string, flag: Flag): string =>
  [
    flag.short === undefined ? '' : `Fl ${flag.short} , `,
    `Fl ${word(flagLabel(key, flag).slice(1))}`,
    flag.value === undefined ? '' : ` Ar ${word(flag.value)}`,
  ].join('');

const list = (items: readonly (readonly [item: string, meaning: string])[]): readonly string[] => [
  '.Bl -tag -width Ds',
  ...items.flatMap(([item, meaning]) => [`.It ${item}`, line(meaning)]),
  '.El',
];

/** Text as it stands, be it dashes, backslashes or tildes, which all have a meaning of their own. */
const literal = (text: string): string =>
  text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('~', '\\(ti').replaceAll("'", '\\(aq');

/** A line that is no request, whatever it begins with. */
const line = (text: string): string => literal(text).replace(/^[.']/, '\\&$&');

/** An argument that is no macro, whatever it is called. */
const word = (text: string): string => `\\&${literal(text)}`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const date = (day: Date): string =>
  new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(day);
