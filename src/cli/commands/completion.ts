import { defer, EMPTY } from 'rxjs';
import { sanitizeLines } from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import { type Shell, SHELLS } from '../args/choices.js';
import { type CliCommand, type Run, allFlags } from '../args/command.js';
import { usageError } from '../process/exit.js';
import { type Flag, flagLabel, flagName } from '../args/flags.js';

/** What a shell can complete for the value of a flag. */
type FlagValue =
  | { readonly type: 'words'; readonly words: readonly string[] }
  | { readonly type: 'files' | 'directories' | 'anything' };

/** Returns what to complete for a flag, or `undefined` if it takes no value. */
const flagValue = ({ type, placeholder, choices }: Flag): FlagValue | undefined => {
  if (type === 'boolean') return undefined;
  if (choices !== undefined) return { type: 'words', words: choices };
  if (placeholder === 'FILE') return { type: 'files' };
  return { type: placeholder === 'DIR' ? 'directories' : 'anything' };
};

/** Returns what to complete for the argument of a command. */
const inputValue = ({ input, inputChoices }: CliCommand): FlagValue =>
  inputChoices === undefined
    ? { type: input === 'DIR' ? 'directories' : 'anything' }
    : { type: 'words', words: inputChoices };

/** Quotes a text in single quotes, for shells that treat a backslash there literally. */
const quoteShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Returns the completion script for bash 3.2 (the version of macOS) or newer. */
const bashCompletion = (commands: readonly CliCommand[]): string => `# bash completion for rxchat

_rxchat_words() {
  COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_rxchat_paths() {
  local path
  compopt -o filenames 2> /dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$2")
}

_rxchat() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  # bash takes --flag=value apart at its =.
  if [[ $current == = ]]; then current=
  elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    _rxchat_words '${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}' "$current"
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${commands.flatMap(commandCases).join('\n')}
  esac
}

complete -F _rxchat rxchat
`;

const commandCases = (command: CliCommand): readonly string[] => {
  const flags = Object.entries(allFlags(command));
  const words = [...(command.inputChoices ?? []), ...flags.map(([key, flag]) => flagLabel(key, flag))];
  const directories = inputValue(command).type === 'directories' ? `; _rxchat_paths -d "$current"` : '';
  return [
    ...flags.flatMap(([key, flag]) => valueCase(command.name, key, flag)),
    `    '${command.name} '*) _rxchat_words '${words.join(' ')}' "$current"${directories} ;;`,
  ];
};

const valueCase = (command: string, key: string, flag: Flag): readonly string[] => {
  const value = flagValue(flag);
  if (value === undefined) return [];
  const names = [flagName(key), ...(flag.short === undefined ? [] : [`-${flag.short}`])];
  return [`    ${names.map((name) => `'${command} ${name}'`).join(' | ')}) ${bashAction(value)} ;;`];
};

const bashAction = (value: FlagValue): string => {
  switch (value.type) {
    case 'words':
      return `_rxchat_words '${value.words.join(' ')}' "$current"`;
    case 'files':
      return `_rxchat_paths -f "$current"`;
    case 'directories':
      return `_rxchat_paths -d "$current"`;
    case 'anything':
      return ':';
  }
};

/**
 * Returns the completion script for zsh: save it as `_rxchat` in `$fpath`, or `source` it after `compinit`.
 */
const zshCompletion = (commands: readonly CliCommand[]): string => `#compdef rxchat

_rxchat() {
  local curcontext=$curcontext state line
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoteShell(`${name}:${summary}`)}`).join('\n')}
  )
  _arguments -C '(- *)--help[the help]' '(- *)--version[the version]' '1: :->command' '*:: :->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      curcontext="\${curcontext%:*}-$words[1]:"
      case $words[1] in
${commands.map(commandArguments).join('\n')}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _rxchat ]]; then _rxchat "$@"
else compdef _rxchat rxchat
fi
`;

const commandArguments = (command: CliCommand): string => {
  const specs = [
    ...inputSpecs(command),
    ...Object.entries(allFlags(command)).flatMap(([key, flag]) => flagSpecs(key, flag)),
  ];
  return `        ${command.name})
          _arguments \\
${specs.map((spec) => `            ${quoteShell(spec)}`).join(' \\\n')}
          ;;`;
};

const inputSpecs = (command: CliCommand): readonly string[] =>
  command.maxInputs === 0
    ? []
    : command.input
        .replaceAll(/[[\]]/g, '')
        .split(' ')
        .map((name, at) => `:${name}:${at === 0 ? zshAction(inputValue(command)) : ' '}`);

const flagSpecs = (key: string, flag: Flag): readonly string[] => {
  const long = flagLabel(key, flag);
  const value = flagValue(flag);
  const names = [
    value === undefined ? long : `${long}=`,
    ...(flag.short === undefined ? [] : [`-${flag.short}${value === undefined ? '' : '+'}`]),
  ];
  const before = flag.multiple === true ? '*' : flag.short === undefined ? '' : `(${long} -${flag.short})`;
  const after = value === undefined ? '' : `:${flag.placeholder ?? ' '}:${zshAction(value)}`;
  return names.map((name) => `${before}${name}[${escapeDescription(flag.help)}]${after}`);
};

/** Escapes the characters that would end a description. */
const escapeDescription = (text: string): string => text.replaceAll(/[[\]\\]/g, '\\$&');

const zshAction = (value: FlagValue): string => {
  switch (value.type) {
    case 'words':
      return `(${value.words.join(' ')})`;
    case 'files':
      return '_files';
    case 'directories':
      return '_files -/';
    case 'anything':
      return ' ';
  }
};

const FISH_DIRECTORIES = "'(__fish_complete_directories)'";

/** Returns the completion script for fish. */
const fishCompletion = (commands: readonly CliCommand[]): string =>
  [
    '# fish completion for rxchat',
    'complete -c rxchat -f',
    `complete -c rxchat -n __fish_use_subcommand -l help -d 'the help'`,
    `complete -c rxchat -n __fish_use_subcommand -l version -d 'the version'`,
    ...commands.map(
      ({ name, summary }) =>
        `complete -c rxchat -n __fish_use_subcommand -a ${name} -d ${quoteFish(summary)}`,
    ),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');

const commandLines = (command: CliCommand): readonly string[] => {
  const start = `complete -c rxchat -n '__fish_seen_subcommand_from ${command.name}'`;
  return [
    ...fishInput(inputValue(command)).map((words) => `${start} -a ${words}`),
    ...Object.entries(allFlags(command)).map(([key, flag]) => `${start}${flagWords(key, flag)}`),
  ];
};

const fishInput = (value: FlagValue): readonly string[] =>
  value.type === 'words'
    ? [quoteFish(value.words.join(' '))]
    : value.type === 'directories'
      ? [FISH_DIRECTORIES]
      : [];

const flagWords = (key: string, flag: Flag): string => {
  const value = flagValue(flag);
  return [
    ` -l ${flagLabel(key, flag).slice(2)}`,
    flag.short === undefined ? '' : ` -s ${flag.short}`,
    value === undefined ? '' : ` ${fishOptions(value)}`,
    ` -d ${quoteFish(flag.help)}`,
  ].join('');
};

/** Quotes a text for fish, which has two escapes in single quotes. */
const quoteFish = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;

const fishOptions = (value: FlagValue): string => {
  switch (value.type) {
    case 'words':
      return `-x -a ${quoteFish(value.words.join(' '))}`;
    case 'files':
      return '-r -F';
    case 'directories':
      return `-x -a ${FISH_DIRECTORIES}`;
    case 'anything':
      return '-x';
  }
};

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CliCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `rxchat completion`: prints a shell script with the completions of these commands. */
export const completion =
  (commands: readonly CliCommand[]): Run =>
  ({ input: [name] }) =>
    defer(() => {
      const shell = SHELLS.find((each) => each === name);
      if (shell === undefined)
        throw usageError(
          name === undefined ? 'no shell given' : 'no completions for that shell',
          `give one of ${SHELLS.join(', ')}`,
        );
      writeOut(sanitizeLines(SCRIPTS[shell](commands).trimEnd()));
      return EMPTY;
    });
