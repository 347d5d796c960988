import { ignoreElements, interval, NEVER, type Observable, tap } from 'rxjs';
import type { GroupInfo } from './engine.js';
import type { GroupCrypto } from './groupEpoch.js';
import type { GroupSession } from './groupSession.js';

/** How often a running device looks for keys to forget, in ms. So they stay at most this long beyond the setting. */
export const FORGET_INTERVAL_MS = 30_000;

/**
 * Forgets the message keys of ended epochs while a device runs, at most `FORGET_INTERVAL_MS` after they are due.
 *
 * A commit forgets them too, but in a quiet room none may follow. Never emits and never completes. Does nothing if the
 * setting is 0, with which each key is forgotten once it was used, or `Infinity`.
 *
 * ```text
 * time     0----30----60----90---120 s    an epoch ended at 10 s, and the setting is 60 s
 *            forgetKeys(session, { forgetMs: 60_000 })
 * forgets  ------------------x---------
 * ```
 *
 * @example
 * import type { GroupInfo } from './engine.js';
 * import { forgetKeys } from './forgetKeys.js';
 * import type { GroupSession } from './groupSession.js';
 *
 * const forgetDaily = (session: GroupSession<unknown, GroupInfo>) =>
 *   forgetKeys(session, { forgetMs: 86_400_000 }).subscribe({ error: console.error });
 */
export const forgetKeys = <State, Info extends GroupInfo>(
  session: Pick<GroupSession<State, Info>, 'forget'>,
  { forgetMs }: Pick<GroupCrypto, 'forgetMs'>,
): Observable<never> =>
  forgetMs === 0 || forgetMs === Infinity
    ? NEVER
    : interval(FORGET_INTERVAL_MS).pipe(tap(session.forget), ignoreElements());
