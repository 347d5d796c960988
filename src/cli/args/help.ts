import { closestMatch } from 'leven';
import { allFlags, type CliCommand } from './command.js';
import { ENVIRONMENT, programName } from '../process/environment.js';
import { EXIT_CODES } from '../process/exit.js';
import { type Flag, flagLabel } from './flags.js';

const formatColumns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const flagRow = ([key, flag]: [string, Flag]): readonly [string, string] => [
  `${flag.short === undefined ? '' : `-${flag.short}, `}${flagLabel(key, flag)}${flag.placeholder === undefined ? '' : ` ${flag.placeholder}`}`,
  flag.help,
];

const exitCodeSection = (): string => `Exit codes\n${formatColumns(EXIT_CODES)}`;

/** Returns the help of the whole program. */
export const programHelp = (
  commands: readonly CliCommand[],
): string => `rxchat: end-to-end encrypted group chat as a stream

Examples
  rxchat serve                                          a relay on this machine
  rxchat                                                in a terminal: a new room and the next steps
  rxchat invite --out room.txt                          a room; its invite admits anyone who has it
  rxchat join --invite-file room.txt --nick alice       chat in a room
  tail -f app.log | rxchat send --invite-file room.txt
  rxchat listen --invite-file room.txt --json | jq .text

Usage
${formatColumns(commands.map(({ name, input, summary }) => [`rxchat ${name} ${input}`.trimEnd(), summary] as const))}

Options
${formatColumns([
  ['-h, --help', 'show this help, or that of a command'],
  ['-V, --version', 'the version'],
  ['--', 'treat all that follows as arguments'],
])}

Environment
${formatColumns(ENVIRONMENT)}

${exitCodeSection()}`;

/** Returns the help of a command. */
export const commandHelp = (command: CliCommand): string => {
  const { name, input, summary, examples } = command;
  return `rxchat ${name}: ${summary}

Examples
${examples.map((example) => `  ${example}`).join('\n')}

Usage
  rxchat ${name} ${input === '' ? '' : `${input} `}[options]

Options
${formatColumns(Object.entries(allFlags(command)).map(flagRow))}

${exitCodeSection()}`;
};

/** Returns a hint that names the help of a command, or of the program. */
export const helpHint = (name?: string): string =>
  `see ${programName()} ${name === undefined ? '' : `${name} `}--help`;

/** Returns a question that suggests the closest candidate, or `undefined` if none is close enough. */
export const didYouMean = (word: string, candidates: readonly string[]): string | undefined => {
  // A short word is close to too many others.
  const maxDistance = Math.min(3, Math.ceil(word.length / 3));
  const closest = closestMatch(word, candidates, { maxDistance });
  return closest === undefined ? undefined : `did you mean ${closest}?`;
};
