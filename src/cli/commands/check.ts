import { defer, EMPTY } from 'rxjs';
import { checkHistory } from '../../history/index.js';
import type { Run } from '../commandTable.js';
import { counted } from '../../terminal/counted.js';
import { shown } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { readDir } from '../store.js';

/** `rxchat check`: reads a whole store; one line on stdout where it is whole. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const dir = readDir(flags);
    const { rooms, entries, bytes } = checkHistory(dir);
    const holds = [counted(rooms, 'room'), counted(entries, 'entry', 'entries'), counted(bytes, 'byte')];
    writeOut(shown`${dir} is whole: ${holds.join(', ')}`);
    return EMPTY;
  });
