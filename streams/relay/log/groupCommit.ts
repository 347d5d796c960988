import { type Observable, type OperatorFunction, take } from 'rxjs';
import { operate } from '../../rx/operate.js';
import type { MemberEvent } from '../members/members.js';
import type { Announced } from '../members/presence.js';
import { type Committed, commitQueue, type CommitQueueOptions } from './commitQueue.js';

export interface GroupCommitOptions extends CommitQueueOptions {
  /**
   * Emits once, at the end of the current tick of the event loop: all that was appended until then is committed
   * together.
   *
   * In Node a `setImmediate`. A microtask is too early: it would make each chunk a write of its own.
   */
  readonly endOfTick$: Observable<unknown>;
}

/**
 * Commits the events of a room in groups: emits them after their lines are stored.
 *
 * Lines are appended to the log when they arrive, invisible to readers. At the end of the tick all of them are stored
 * together. Once the store has completed, readers see them, and the events before, between and after them are
 * emitted. Events that arrive meanwhile are the next commit. So neither the echo of a line, which is its receipt, nor
 * `WELCOME` or `PONG` can overtake the store. The slower the store, the larger are the groups. While more than 1 MiB
 * of lines waits, the relay does not read from members that send more.
 *
 * If the store fails, the lines are rolled back, so that no position is lost. Their senders are `refused` with
 * `storage`, and their further lines are dropped: they resend them, in order, over their next connection.
 * Announcements wait for the next commit. Other members are unaffected.
 *
 * Completes with its source, after the last commit; errors with its source.
 *
 * ```text
 * event    tokens a-----tokens b--ping a|
 * tick     -------------|
 * store                  =============== =============
 *            groupCommit(room, options)
 * out      -----------------------------[stored a]----[stored b, pinged a]|
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import type { MemberCommand } from 'rxchat/streams';
 * import { members } from '../members/members.js';
 * import { presence } from '../members/presence.js';
 * import { groupCommit } from './groupCommit.js';
 *
 * const committed = (command$: Observable<MemberCommand>) =>
 *   command$.pipe(
 *     members(),
 *     presence(),
 *     groupCommit('lobby', { logId: () => 'lobby', endOfTick$: timer(0) }),
 *   );
 */
export const groupCommit = (
  room: string,
  { endOfTick$, ...options }: GroupCommitOptions,
): OperatorFunction<MemberEvent | Announced, Committed> =>
  operate((subscriber) => {
    const queue = commitQueue(room, options);
    const tickEnd$ = endOfTick$.pipe(take(1));
    let isCommitting = false;
    let isComplete = false;

    const error = (reason: unknown) => {
      subscriber.error(reason);
    };
    const finishCommit = (failure?: { readonly reason: unknown }) => {
      subscriber.next(queue.endCommit(failure));
      if (subscriber.closed) return;
      // Events that arrived meanwhile are the next commit.
      isCommitting = queue.isPending;
      if (isCommitting) commitAtTickEnd();
      else if (isComplete) subscriber.complete();
    };
    const commit = () => {
      const stored$ = queue.beginCommit();
      if (stored$ === undefined) finishCommit();
      else
        subscriber.add(
          stored$.subscribe({
            error: (reason: unknown) => {
              finishCommit({ reason });
            },
            complete: finishCommit,
          }),
        );
    };
    const tickObserver = { error, complete: commit };
    const commitAtTickEnd = () => {
      subscriber.add(tickEnd$.subscribe(tickObserver));
    };

    subscriber.add(() => {
      queue.close();
    });
    return {
      next: (event) => {
        try {
          queue.enqueue(event);
        } catch (reason) {
          error(reason);
          return;
        }
        // A commit ends only when nothing waits, so events that arrive during one are not missed.
        if (isCommitting) return;
        isCommitting = true;
        commitAtTickEnd();
      },
      complete: () => {
        isComplete = true;
        if (!isCommitting) subscriber.complete();
      },
    };
  });
