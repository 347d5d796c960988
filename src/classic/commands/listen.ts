import { concat, defer, ignoreElements, NEVER, of, takeUntil, takeWhile, tap } from 'rxjs';
import type { Run } from '../../cli/commandTable.js';
import { Exit, note } from '../../cli/exit.js';
import { integer } from '../../cli/flags.js';
import { interruption$, outputClosed$ } from '../../cli/process.js';
import { writeOut } from '../../terminal/write.js';
import { readClient, serverGone } from '../client.js';
import { jsonLine, plainLine } from '../heardFormat.js';

/** `rxchat listen --wire classic`: messages on standard output until it is ended, or for `-n` messages. */
export const listen: Run = ({ flags }) =>
  defer(() => {
    const count = integer(flags, 'count', 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
    const { hear, nick } = readClient(flags, { unique: true });
    const format = flags['json'] === true ? jsonLine : plainLine;
    let seen = 0;
    let isEnough = false;

    return concat(
      NEVER.pipe(
        hear,
        tap((heard) => {
          const { out, note: beside } = format(heard, nick);
          if (out !== undefined) writeOut(out);
          if (beside !== undefined) note(beside);
        }),
        takeWhile((heard) => {
          if (heard.type === 'message') seen += 1;
          isEnough = seen >= count;
          return !isEnough;
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (isEnough = true)))),
        takeUntil(interruption$),
      ),
      defer(() => {
        if (!isEnough) throw serverGone();
        return of(Exit.ok);
      }),
    );
  });
