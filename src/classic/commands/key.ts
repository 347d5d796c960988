import { writeFileSync } from 'node:fs';
import { defer, EMPTY } from 'rxjs';
import type { Run } from '../../cli/commandTable.js';
import { note, usageError } from '../../cli/exit.js';
import { text } from '../../cli/flags.js';
import { visible } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { errorCode } from '../../transport/networkError.js';
import { systemFault } from '../../systemFault.js';
import { makeKey } from '../fernetKey.js';

/** `rxchat key`: one line on stdout, or a file for its owner alone, which is never written over. */
export const key: Run = ({ flags }) =>
  defer(() => {
    const file = text(flags, 'keyFile');
    if (file === undefined) writeOut(visible(makeKey()));
    else {
      createFile(file, `${makeKey()}\n`);
      note(`the key is in ${file}; whoever has it can read and write`);
    }
    return EMPTY;
  });

const createFile = (file: string, content: string): void => {
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST')
      throw usageError(`${file} is there already`, 'choose another file, or remove it first');
    throw usageError(`cannot write --key-file ${file}: ${systemFault(error)}`);
  }
};
