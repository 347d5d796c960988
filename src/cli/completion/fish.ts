import { type Command, flagsOf } from '../commandTable.js';
import { type Flag, flagLabel } from '../flags.js';
import { type Value, valueOf } from './value.js';

/** The completions for fish. */
export const fishCompletion = (commands: readonly Command[]): string =>
  [
    '# fish completion for rxchat',
    'complete -c rxchat -f',
    `complete -c rxchat -n __fish_use_subcommand -l help -d 'the help'`,
    `complete -c rxchat -n __fish_use_subcommand -l version -d 'the version'`,
    ...commands.map(
      ({ name, summary }) => `complete -c rxchat -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...commands.flatMap(linesOf),
    '',
  ].join('\n');

const linesOf = (command: Command): readonly string[] => {
  const start = `complete -c rxchat -n '__fish_seen_subcommand_from ${command.name}'`;
  return [
    ...(command.inputChoices === undefined ? [] : [`${start} -a ${quoted(command.inputChoices.join(' '))}`]),
    ...Object.entries(flagsOf(command)).map(([key, flag]) => `${start}${flagWords(key, flag)}`),
  ];
};

const flagWords = (key: string, flag: Flag): string => {
  const value = valueOf(flag);
  return [
    ` -l ${flagLabel(key, flag).slice(2)}`,
    flag.short === undefined ? '' : ` -s ${flag.short}`,
    value === undefined ? '' : ` ${offer(value)}`,
    ` -d ${quoted(flag.help)}`,
  ].join('');
};

/** fish knows two escapes in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;

const offer = (value: Value): string => {
  switch (value.type) {
    case 'words':
      return `-x -a ${quoted(value.words.join(' '))}`;
    case 'files':
      return '-r -F';
    case 'directories':
      return `-x -a '(__fish_complete_directories)'`;
    case 'anything':
      return '-x';
  }
};
