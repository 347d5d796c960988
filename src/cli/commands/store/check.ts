import { defer, EMPTY } from 'rxjs';
import { checkHistory } from '../../../history/index.js';
import type { Run } from '../../args/command.js';
import { safe } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { formatContents } from './formatContents.js';

/** `rxchat check`: reads a whole store and prints a line if it is intact. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const dir = historyDirFromFlags(flags);
    writeOut(safe`${dir} is intact: ${formatContents(checkHistory(dir))}`);
    return EMPTY;
  });
