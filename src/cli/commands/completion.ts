import { defer, EMPTY } from 'rxjs';
import { visibleLines } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { type Shell, SHELLS } from '../choices.js';
import { type Command, COMMANDS, type Run } from '../commandTable.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import { usageError } from '../exit.js';

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `rxchat completion`: a script on stdout, for the shell to read. */
export const completion: Run = ({ input: [name] }) =>
  defer(() => {
    const shell = SHELLS.find((each) => each === name);
    if (shell === undefined)
      throw usageError(
        name === undefined ? 'there is no shell' : 'there are no completions for that shell',
        `give one of ${SHELLS.join(', ')}`,
      );
    writeOut(visibleLines(SCRIPTS[shell](COMMANDS).trimEnd()));
    return EMPTY;
  });
