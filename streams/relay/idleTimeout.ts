import { filter, NEVER, type Observable, scan, switchMap, timer } from 'rxjs';
import type { MemberCommand } from './connection/parseCommands.js';
import { DEFAULT_RECONNECT_GRACE_MS } from './members/members.js';

/** Emits when a room has had no members for `roomIdleMs`: by default an hour, or a minute if its log is in a `store`. */
export const idleTimeout =
  (
    {
      reconnectGraceMs = DEFAULT_RECONNECT_GRACE_MS,
      roomIdleMs,
    }: { readonly reconnectGraceMs?: number; readonly roomIdleMs?: number },
    store: unknown,
  ) =>
  (command$: Observable<MemberCommand>): Observable<unknown> => {
    const idleMs = roomIdleMs ?? (store === undefined ? 3_600_000 : 60_000);
    return command$.pipe(
      filter(({ type }) => type === 'join' || type === 'leave'),
      scan((count, { type }) => count + (type === 'join' ? 1 : -1), 0),
      // Not before the last disconnected member has left, too.
      switchMap((count) => (count === 0 ? timer(Math.max(idleMs, reconnectGraceMs + 1)) : NEVER)),
    );
  };
