import type { OperatorFunction } from 'rxjs';
import { concatMapIterable } from '../../rx/concatMapIterable.js';
import type { Token } from '../envelope/cipher.js';
import type { TokenEntry } from '../receive/entries.js';
import type { GroupInfo } from './engine.js';
import type { GroupSession, NotAFrame } from './groupSession.js';
import type { GroupEvent } from './groupState.js';

/** A message that was sealed before this device joined, or a message of the group that an external sender reads. */
export interface UnreadEntry {
  readonly type: 'unread';
  readonly position: number;
  readonly token: Token;
}

/**
 * Opens the tokens of a group room in the order of the log; passes everything else on.
 *
 * The state of the session advances with each token, before the events of the token are emitted. A message of an earlier
 * epoch is `void`: its sender saw the `epoch` that ended its epoch, and seals it again. Completes with its source. Errors
 * with it, or with what the cipher throws.
 *
 * ```text
 * entry    --message--commit--message of the old epoch--message--joined--|
 *            openInGroup(session)
 * out      --opened---epoch---void----------------------opened---joined--|
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import type { Token } from '../envelope/cipher.js';
 * import type { TokenEntry } from 'rxchat/streams';
 * import type { GroupInfo } from './engine.js';
 * import type { GroupSession } from './groupSession.js';
 * import { openInGroup } from './openInGroup.js';
 *
 * const opened = (entry$: Observable<TokenEntry>, session: GroupSession<unknown, GroupInfo>) =>
 *   entry$.pipe(openInGroup(session));
 */
export const openInGroup = <T extends { readonly type: string }, State, Info extends GroupInfo>(
  session: Pick<GroupSession<State, Info>, 'open'>,
): OperatorFunction<T | TokenEntry, GroupEvent | NotAFrame | UnreadEntry | Exclude<T, TokenEntry>> =>
  concatMapIterable(
    (entry: T | TokenEntry): readonly (GroupEvent | NotAFrame | UnreadEntry | Exclude<T, TokenEntry>)[] => {
      if (!isToken(entry)) return [entry as Exclude<T, TokenEntry>];
      const events = session.open(entry);
      return events.some((event) => 'position' in event) ? events : [...events, { ...entry, type: 'unread' }];
    },
  );

const isToken = (entry: { readonly type: string }): entry is TokenEntry => entry.type === 'token';
