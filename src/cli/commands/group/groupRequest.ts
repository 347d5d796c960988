import { defer, delayWhen, EMPTY, mergeMap, type Observable, of, take } from 'rxjs';
import type { ClientEvent, GroupRequest } from '../../../../streams/client/index.js';
import { endOfTick$ } from '../../../relay/endOfTick.js';
import { CliError, Exit } from '../../process/exit.js';
import type { GroupRoster } from '../../../text/groupRoster.js';
import { caughtUpPredicate } from '../../shared/newestMessages.js';

/** Options of `requestWhenCaughtUp`. */
interface RequestOptions {
  readonly roster: Pick<GroupRoster, 'update' | 'epoch'>;
  /** Returns what to request of the group, or `undefined` to request nothing. May throw. */
  readonly choose: () => GroupRequest | undefined;
  /** Emits once the result is on disk. */
  readonly saved$?: Observable<unknown>;
  /** Requests it. */
  readonly send: (request: GroupRequest) => void;
  /** Emits at the end of the tick. All events about an entry arrive within a tick. */
  readonly tick$?: Observable<unknown>;
}

/** What helps, by the reason of a refusal. */
const REFUSAL_HINTS: Readonly<Record<string, string>> = {
  'no right to remove': 'ask the creator of the group to do it',
};

/** How far a request is. `moving`: it is done, and the next room has no group info for newcomers yet. */
type Progress = 'requested' | 'moving' | 'arrived' | 'done';

const nextProgress = (progress: Progress, event: ClientEvent, { type }: GroupRequest): Progress => {
  switch (progress) {
    case 'requested':
      if (event.type === 'epoch' && event.own && event.moved) return 'moving';
      return event.type === 'request-done' && event.request.type === type ? 'done' : progress;
    case 'moving':
      return event.type === 'welcome' ? 'arrived' : progress;
    case 'arrived':
      // The group info that this client posts is the first handshake there.
      return event.type === 'handshake' ? 'done' : progress;
    case 'done':
      return progress;
  }
};

/**
 * Reads what the relay has stored, requests a change of the group, and emits once when that is done.
 *
 * ```text
 * event   -W--e---m--d-    W: welcome, e: epoch, m: the last stored entry, d: request-done
 * send    --------r----    r: request
 *         -----------(x|)
 * ```
 *
 * After a move it waits until the next room has a group info, so that others can come. Errors with a `CliError` if the
 * request is refused, or if another member removes this device.
 */
export const requestWhenCaughtUp =
  ({ roster, choose, send, saved$ = of(true), tick$ = endOfTick$ }: RequestOptions) =>
  (event$: Observable<ClientEvent>): Observable<true> =>
    defer(() => {
      const isCaughtUp = caughtUpPredicate();
      let requested: GroupRequest | undefined;
      let wasCaughtUp = false;
      let isChoosing = false;
      let progress: Progress = 'requested';

      const request = (): Observable<true> => {
        requested = choose();
        if (requested === undefined) return of(true);
        send(requested);
        return EMPTY;
      };

      return event$.pipe(
        mergeMap((event): Observable<true> => {
          const [text] = roster.update(event);
          if (event.type === 'removed')
            throw new CliError(Exit.removed, text ?? 'you were removed', 'a member can invite you again');
          if (event.type === 'request-refused')
            throw new CliError(
              event.code === 'unreachable' ? Exit.network : Exit.refused,
              text ?? event.reason,
              REFUSAL_HINTS[event.reason],
            );
          if (requested !== undefined) {
            progress = nextProgress(progress, event, requested);
            return progress === 'done' ? of(true) : EMPTY;
          }
          wasCaughtUp ||= isCaughtUp(event);
          // A device that joins the group has read the log before it becomes a member.
          if (!wasCaughtUp || roster.epoch() === undefined || isChoosing) return EMPTY;
          isChoosing = true;
          // The first event about the last entry can precede the one that names a nick.
          return tick$.pipe(take(1), mergeMap(request));
        }),
        // The client goes on until then.
        delayWhen(() => saved$),
        take(1),
      );
    });
