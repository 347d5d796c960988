import { COMMANDS, type Command } from './commandTable.js';
import { type Flag, flagLabel } from './flags.js';

const EXIT_CODES = `Exit codes
  0 ended normally, all stored     4 refused by the relay
  1 unexpected                     5 key trouble
  2 wrong usage                    6 over a limit
  3 network                        7 only part of it was stored
  8 a gap, with --fail-on-gap      130, 143 ended by SIGINT, SIGTERM`;

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const flagRow = ([key, flag]: [string, Flag]): readonly [string, string] => [
  `${flag.short === undefined ? '' : `-${flag.short}, `}${flagLabel(key, flag)}${flag.value === undefined ? '' : ` ${flag.value}`}`,
  flag.help,
];

/** The usage of the whole program. */
export const programHelp = (): string => `rxchat: end-to-end encrypted group chat that is a stream

Examples
  rxchat serve                                          a relay on this machine
  rxchat join                                           a new room; prints its invite
  rxchat invite > room.txt
  tail -f app.log | rxchat send --invite-file room.txt
  rxchat listen --invite-file room.txt --json | jq .text

Usage
${columns(COMMANDS.map(({ name, input, summary }) => [`rxchat ${name} ${input}`.trimEnd(), summary] as const))}

Options
${columns([
  ['--help', 'this, or after a command its own'],
  ['--version', 'the version'],
])}

An invite may also stand in the environment, in RXCHAT_INVITE; an access token in RXCHAT_ACCESS_TOKEN; the key of
--wire classic in RXCHAT_KEY.

${EXIT_CODES}`;

/** The usage of one command. */
export const commandHelp = ({
  name,
  input,
  summary,
  examples,
  flags,
}: Command): string => `rxchat ${name}: ${summary}

Examples
${examples.map((example) => `  ${example}`).join('\n')}

Usage
  rxchat ${name} ${input === '' ? '' : `${input} `}[options]

Options
${columns(Object.entries(flags).map(flagRow))}

${EXIT_CODES}`;
