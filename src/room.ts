import type { OperatorFunction } from 'rxjs';
import type { Heard, Say } from '../streams/client/index.js';
import type { Invite } from './invite/invite.js';
import { nodePlatform } from './nodePlatform.js';
import { roomOn, type RoomOptions } from './roomOn.js';

/**
 * A room as an operator: what you say in, what you hear out.
 *
 * Cold: subscribing connects, unsubscribing says `BYE` and closes. What you say is subscribed once you are in; it is
 * signed and encrypted before it leaves. A message that does not open is a value (`undecryptable`), and so is what a relay
 * or a member does that none ought to (`alarm`), and a connection that is lost (`offline`): it is made again, and what is
 * not stored is sent again. Errors: `InviteError`; `LinkError` (never reached); `TrustError` (another relay than it should
 * be); `RefusedError` (wrong proof, nick taken); `ProtocolError` (no relay at the other end). A message of more
 * than 32 768 bytes is a value (`not-said`), and what follows it is said. With `retry: false` it completes when the relay
 * says `BYE`, and errors when the connection is lost.
 *
 * ```text
 * say      --------------hello----------------------------------
 *            room(invite, { nick })
 * heard    ---welcome----said---(message,stored)---offline---welcome---
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { createInvite, room } from 'rxchat';
 *
 * of('hello')
 *   .pipe(room(createInvite(), { nick: 'alice' }))
 *   .subscribe({ next: (heard) => console.log(heard.type), error: console.error });
 */
export const room: (invite: Invite | string, options: RoomOptions) => OperatorFunction<string | Say, Heard> =
  roomOn(nodePlatform);
