import { type Command, flagsOf } from '../commandTable.js';
import { type Flag, flagLabel } from '../flags.js';
import { quoted, type Value, valueOf } from './value.js';

/** The completions for zsh: as a file `_rxchat` in `$fpath`, or by `source` after `compinit`. */
export const zshCompletion = (commands: readonly Command[]): string => `#compdef rxchat

_rxchat() {
  local curcontext=$curcontext state line
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  _arguments -C '(- *)--help[the help]' '(- *)--version[the version]' '1: :->command' '*:: :->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      curcontext="\${curcontext%:*}-$words[1]:"
      case $words[1] in
${commands.map(argumentsOf).join('\n')}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _rxchat ]]; then _rxchat "$@"
else compdef _rxchat rxchat
fi
`;

const argumentsOf = (command: Command): string => {
  const specs = [
    ...inputSpec(command),
    ...Object.entries(flagsOf(command)).flatMap(([key, flag]) => flagSpecs(key, flag)),
  ];
  return `        ${command.name})
          _arguments \\
${specs.map((spec) => `            ${quoted(spec)}`).join(' \\\n')}
          ;;`;
};

const inputSpec = ({ input, inputs, inputChoices }: Command): readonly string[] =>
  inputs === 0
    ? []
    : [`:${input.replaceAll(/[[\]]/g, '')}:${inputChoices?.join(' ').replace(/.*/, '($&)') ?? ' '}`];

const flagSpecs = (key: string, flag: Flag): readonly string[] => {
  const long = flagLabel(key, flag);
  const value = valueOf(flag);
  const names = [
    value === undefined ? long : `${long}=`,
    ...(flag.short === undefined ? [] : [`-${flag.short}${value === undefined ? '' : '+'}`]),
  ];
  const before = flag.multiple === true ? '*' : flag.short === undefined ? '' : `(${long} -${flag.short})`;
  const after = value === undefined ? '' : `:${flag.value ?? ' '}:${action(value)}`;
  return names.map((name) => `${before}${name}[${escaped(flag.help)}]${after}`);
};

/** The characters that end a description. */
const escaped = (text: string): string => text.replaceAll(/[[\]\\]/g, '\\$&');

const action = (value: Value): string => {
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
