import { COMMANDS, type Command, flagsOf } from './commandTable.js';
import { ENVIRONMENT } from './environment.js';
import { EXIT_CODES } from './exit.js';
import { type Flag, flagLabel } from './flags.js';

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const flagRow = ([key, flag]: [string, Flag]): readonly [string, string] => [
  `${flag.short === undefined ? '' : `-${flag.short}, `}${flagLabel(key, flag)}${flag.value === undefined ? '' : ` ${flag.value}`}`,
  flag.help,
];

const exitCodes = (): string => `Exit codes\n${columns(EXIT_CODES)}`;

/** The usage of the whole program. */
export const programHelp = (): string => `rxchat: end-to-end encrypted group chat that is a stream

Examples
  rxchat serve                                          a relay on this machine
  rxchat                                                in a terminal: a new room, and what to do next
  rxchat invite --out room.txt                          a room; whoever has its invite is in
  rxchat join --invite-file room.txt --nick alice       talk in a room
  tail -f app.log | rxchat send --invite-file room.txt
  rxchat listen --invite-file room.txt --json | jq .text

Usage
${columns(COMMANDS.map(({ name, input, summary }) => [`rxchat ${name} ${input}`.trimEnd(), summary] as const))}

Options
${columns([
  ['-h, --help', 'this, or after a command its own'],
  ['-V, --version', 'the version'],
  ['--', 'what follows are arguments, whatever they begin with'],
])}

Environment
${columns(ENVIRONMENT)}

${exitCodes()}`;

/** The usage of one command. */
export const commandHelp = (command: Command): string => {
  const { name, input, summary, examples } = command;
  return `rxchat ${name}: ${summary}

Examples
${examples.map((example) => `  ${example}`).join('\n')}

Usage
  rxchat ${name} ${input === '' ? '' : `${input} `}[options]

Options
${columns(Object.entries(flagsOf(command)).map(flagRow))}

${exitCodes()}`;
};
