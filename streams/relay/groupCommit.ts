import { Observable, type OperatorFunction, take } from 'rxjs';
import { type Committed, journal, type JournalOptions } from './journal.js';
import type { Announced } from './presence.js';
import type { Attendance } from './rollCall.js';

export interface GroupCommitOptions extends JournalOptions {
  /**
   * Emits once, as soon as this turn of the event loop is over: what was appended until then is committed together.
   * In Node a `setImmediate`; a microtask is too early, it makes every chunk a write of its own.
   */
  readonly turn$: Observable<unknown>;
}

/**
 * What happens in a room in, the same committed out: group commit.
 *
 * Lines are appended to the room's log as they come, and nobody sees them yet. At the end of the turn all that has
 * gathered is stored together; once the store has it, it is shown to the readers, and only then do the events come out
 * that stood before, between and behind those lines. What comes meanwhile is the next commit. So neither the echo of a
 * line, which is its receipt, nor `WELCOME` or `PONG` can overtake the store; and the slower the store, the larger the
 * groups. While more than 1 MiB of lines waits, whoever says more is not read.
 *
 * Where the store fails, the lines are taken back, so that no position is lost; those who said them are `refused` with
 * `storage`, and nothing more of theirs counts: what they said comes again, in order, over their next connection.
 * Announcements wait for the next commit. Everything else goes on.
 *
 * Completes with its source, after the last commit; errors with its source.
 *
 * ```text
 * event    tokens a-----tokens b--ping a|
 * turn     -------------|
 * store                  =============== =============
 *            groupCommit(room, options)
 * out      -----------------------------[stored a]----[stored b, pinged a]|
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { type Command, groupCommit, presence, rollCall } from 'rxchat/streams';
 *
 * const committed = (command$: Observable<Command>) =>
 *   command$.pipe(rollCall(), presence(), groupCommit('lobby', { logId: () => 'lobby', turn$: timer(0) }));
 */
export const groupCommit =
  (
    room: string,
    { turn$, ...options }: GroupCommitOptions,
  ): OperatorFunction<Attendance | Announced, Committed> =>
  (event$) =>
    new Observable((subscriber) => {
      const entries = journal(room, options);
      const turned$ = turn$.pipe(take(1));
      let isCommitting = false;
      let isComplete = false;

      const error = (reason: unknown) => {
        subscriber.error(reason);
      };
      const settle = (failure?: { readonly reason: unknown }) => {
        subscriber.next(entries.end(failure));
        if (subscriber.closed) return;
        // What came meanwhile is the next commit.
        isCommitting = entries.isWaiting;
        if (isCommitting) turn();
        else if (isComplete) subscriber.complete();
      };
      const commit = () => {
        const storing$ = entries.begin();
        if (storing$ === undefined) settle();
        else
          subscriber.add(
            storing$.subscribe({
              error: (reason: unknown) => {
                settle({ reason });
              },
              complete: settle,
            }),
          );
      };
      const atItsEnd = { error, complete: commit };
      const turn = () => {
        subscriber.add(turned$.subscribe(atItsEnd));
      };

      subscriber.add(() => {
        entries.close();
      });
      subscriber.add(
        event$.subscribe({
          next: (event) => {
            try {
              entries.take(event);
            } catch (reason) {
              error(reason);
              return;
            }
            // Like the fan-out: it ends only once nothing waits, so events that come meanwhile are not missed.
            if (isCommitting) return;
            isCommitting = true;
            turn();
          },
          error,
          complete: () => {
            isComplete = true;
            if (!isCommitting) subscriber.complete();
          },
        }),
      );
    });
