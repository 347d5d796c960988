import { type Command, flagsOf } from '../commandTable.js';
import { type Flag, flagLabel, flagName } from '../flags.js';
import { type Value, valueOf } from './value.js';

/** The completions for bash, from 3.2 on, which is what macOS has. */
export const bashCompletion = (commands: readonly Command[]): string => `# bash completion for rxchat

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
${commands.flatMap(cases).join('\n')}
  esac
}

complete -F _rxchat rxchat
`;

const cases = (command: Command): readonly string[] => {
  const flags = Object.entries(flagsOf(command));
  const words = [...(command.inputChoices ?? []), ...flags.map(([key, flag]) => flagLabel(key, flag))];
  return [
    ...flags.flatMap(([key, flag]) => valueCase(command.name, key, flag)),
    `    '${command.name} '*) _rxchat_words '${words.join(' ')}' "$current" ;;`,
  ];
};

const valueCase = (command: string, key: string, flag: Flag): readonly string[] => {
  const value = valueOf(flag);
  if (value === undefined) return [];
  const names = [flagName(key), ...(flag.short === undefined ? [] : [`-${flag.short}`])];
  return [`    ${names.map((name) => `'${command} ${name}'`).join(' | ')}) ${offer(value)} ;;`];
};

const offer = (value: Value): string => {
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
