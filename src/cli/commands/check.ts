import { defer, EMPTY } from 'rxjs';
import { checkHistory } from '../../history/index.js';
import type { Run } from '../commandTable.js';
import { readDir } from '../store.js';

/** `rxchat check`: reads a whole store; one line on stdout where it is whole. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const dir = readDir(flags);
    const { rooms, entries, bytes } = checkHistory(dir);
    process.stdout.write(`${dir} is whole: ${rooms} rooms, ${entries} entries, ${bytes} bytes\n`);
    return EMPTY;
  });
