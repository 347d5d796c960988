# Prints what zsh itself offers at the Tab after a command line: offered.zsh COMPLETIONS DIRECTORY LINE DUMP
zmodload zsh/zpty
zpty shell zsh -f -i
tell() { zpty -w shell "$1"; }
read_until() { local seen; zpty -r -m shell seen "*$1*"; REPLY=$seen; }

tell "PROMPT= RPROMPT=; stty -echo; print re''ady"
read_until ready
tell "cd ${(q)2}; autoload -Uz compinit; compinit -u -d ${(q)4}; source ${(q)1}; bindkey '^I' complete-word; print lo''aded"
read_until loaded
# Each candidate is printed on a line of its own; some are offered several times.
tell "zstyle ':completion:*' insert-tab false; zstyle ':completion:*' completer _complete"
tell "compadd() {
  [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && { builtin compadd \"\$@\"; return }
  local -a offered; builtin compadd -A offered \"\$@\"; local each; for each in \$offered; do print -r -- \"offer:\$each\"; done
  builtin compadd \"\$@\"
}
finish() { print fin''ished; exit }
comppostfuncs=(finish); print set''up"
read_until setup
zpty -w -n shell "$3"$'\t'
read_until finished
print -r -- "$REPLY" | tr -d '\r' | sed -n 's/^.*offer://p' | sort -u
