import { filter, map, type OperatorFunction, switchMap, take } from 'rxjs';
import type { Token } from '../envelope/cipher.js';
import type { MessageContent } from '../envelope/messageContent.js';
import type { GroupInfo } from './engine.js';
import type { GroupSession } from './groupSession.js';

/** A message with its token. */
export interface SealedInGroup {
  readonly content: MessageContent;
  readonly token: Token;
}

/**
 * Seals messages for the present epoch of a group room, each with a message key of its own.
 *
 * Subscribes to the source once the session can seal: as a member, or as an external sender that knows the group info. So no
 * message waits in a queue. Completes with its source.
 * Errors with it, with a `LimitError` for a message that is too long, and with a `RemovedError` at the first message after
 * a member removed the device.
 *
 * ```text
 * phase     newcomer--member-----------
 * message            -a--b-|              (subscribed at the first member)
 *             sealInGroup(session)
 * sealed    ----------a--b-|
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import type { MessageContent } from '../envelope/messageContent.js';
 * import type { GroupInfo } from './engine.js';
 * import type { GroupSession } from './groupSession.js';
 * import { sealInGroup } from './sealInGroup.js';
 *
 * const sealed = (content$: Observable<MessageContent>, session: GroupSession<unknown, GroupInfo>) =>
 *   content$.pipe(sealInGroup(session));
 */
export const sealInGroup =
  <State, Info extends GroupInfo>(
    session: GroupSession<State, Info>,
  ): OperatorFunction<MessageContent, SealedInGroup> =>
  (content$) =>
    session.state$.pipe(
      filter(({ phase }) => phase === 'removed' || session.canSeal),
      take(1),
      switchMap(() => content$.pipe(map((content) => ({ content, token: session.seal(content) })))),
    );
