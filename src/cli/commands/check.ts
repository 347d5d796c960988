import { defer, EMPTY } from 'rxjs';
import { checkHistory } from '../../history/index.js';
import type { Run } from '../commandTable.js';
import { shown } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { readDir } from '../store.js';

/** `rxchat check`: reads a whole store; one line on stdout where it is whole. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const dir = readDir(flags);
    const { rooms, entries, bytes } = checkHistory(dir);
    writeOut(shown`${dir} is whole: ${rooms} rooms, ${entries} entries, ${bytes} bytes`);
    return EMPTY;
  });
