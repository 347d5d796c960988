import { defer, type Observable, retry, tap, throwError, timer } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { type Flags, span } from './flags.js';

const LONGEST_WAIT = 24 * 86_400_000;

/** How often, in ms, a relay that is not there yet is called upon. */
const PACE = 500;

/** `--wait`: how long, in ms, a relay may take until it is there. */
export const readWait = (flags: Flags): number => span(flags, 'wait', 0, LONGEST_WAIT) ?? 0;

/**
 * A way to a relay that may not be there yet: until the first connection it is called upon again and again for so many ms.
 * Whatever else is wrong, and what is lost later, is an error at once.
 */
export const waitingFor = <To>(
  connect: (to: To) => Observable<Connection>,
  ms: number,
): ((to: To) => Observable<Connection>) => {
  let end: number | undefined;
  let wasThere = false;
  return (to) =>
    defer(() => {
      end ??= performance.now() + ms;
      return connect(to);
    }).pipe(
      retry({
        delay: (error: unknown) => {
          const isOver = wasThere || performance.now() >= (end ?? 0);
          return error instanceof LinkError && !isOver ? timer(PACE) : throwError(() => error);
        },
      }),
      tap(() => {
        wasThere = true;
      }),
    );
};
