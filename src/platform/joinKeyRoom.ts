import { finalize, type OperatorFunction, of, pipe } from 'rxjs';
import {
  type ClientEvent,
  deriveOwnerKey,
  type Keyring,
  type OutgoingMessage,
  roomClient,
} from '../../streams/client/index.js';
import { type Invite, InviteError } from '../invite/invite.js';
import { type JoinRoomOptions, toClientOptions } from './clientOptions.js';
import type { Platform } from './platform.js';

/**
 * Joins a room whose only key is derived from its invite. The key is overwritten when the room ends or is unsubscribed.
 *
 * Throws an `InviteError` for the invite of a group room: its secret must not become the key of a key room.
 */
export const joinKeyRoom = (
  platform: Platform,
  invite: Invite,
  options: JoinRoomOptions,
): OperatorFunction<OutgoingMessage, ClientEvent> => {
  if (invite.group !== undefined) throw new InviteError('the invite is for a group room');
  const { identity, sharesNick = true, cipher = platform.cipher() } = options;
  const { room, fernetKey, sign } = platform.deriveRoomKeys(invite.secret);
  const keyring: Keyring = { seal: fernetKey, open: [fernetKey] };
  return pipe(
    roomClient({
      ...toClientOptions(platform, invite, options),
      room,
      sign,
      owner: identity && sharesNick ? deriveOwnerKey(identity, { ...platform, room }) : undefined,
      verify: platform.verify,
      cipher,
      keyring$: of(keyring),
    }),
    finalize(() => {
      fernetKey.fill(0);
    }),
  );
};
