import { defer, EMPTY } from 'rxjs';
import { checkHistory } from '../../history/index.js';
import type { Run } from '../args/command.js';
import { pluralize } from '../../text/format.js';
import { safe } from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import { historyDirFromFlags } from './serve/relayOptions.js';

/** `rxchat check`: reads a whole store and prints a line if it is intact. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const dir = historyDirFromFlags(flags);
    const { rooms, entries, bytes } = checkHistory(dir);
    const totals = [
      pluralize(rooms, 'room'),
      pluralize(entries, 'entry', 'entries'),
      pluralize(bytes, 'byte'),
    ];
    writeOut(safe`${dir} is intact: ${totals.join(', ')}`);
    return EMPTY;
  });
