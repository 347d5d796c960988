import { BusyError, ProtocolError } from '../wire/errors.js';
import type { RoomName } from '../wire/handshake.js';
import { joinGate, type JoinGate } from './joinGate.js';

/**
 * Whether the answer to `NICK` shows the relay's access token: `access` (base64url, or nothing) over an
 * `accessMessage`. In constant time; whatever is malformed does not hold.
 */
export type CheckAccess = (message: Uint8Array, access: string | undefined) => boolean;

export interface EntranceOptions {
  /** Where it is there, only who shows the access token comes in. */
  readonly checkAccess?: CheckAccess | undefined;
  /** Where it is there, only these rooms are open to anybody. */
  readonly allowedRooms?: ReadonlySet<string> | undefined;
  /** How many rooms may be in memory at a time. */
  readonly rooms?: number;
  /** At what rate proofs are checked. */
  readonly gate?: JoinGate;
}

/** Throws a `ProtocolError` where an answer to `NICK` is refused before its proof is checked. */
export type Entrance = (
  hello: { readonly room: RoomName; readonly access: string | undefined },
  message: Uint8Array,
) => void;

/**
 * Who may come in, apart from the proof: decided before that, since checking a signature is what a join costs. What
 * passes (a rate, a room too many) is `busy`, and the client comes back by itself. Outsiders of a private relay do not
 * use up the rate.
 *
 * @param open the rooms that are in memory.
 */
export const entrance =
  (
    { checkAccess, allowedRooms, rooms = Infinity, gate = joinGate() }: EntranceOptions,
    open: Pick<ReadonlySet<RoomName>, 'has' | 'size'>,
  ): Entrance =>
  ({ room, access }, message) => {
    if (checkAccess?.(message, access) === false)
      throw new ProtocolError(
        'access-denied',
        access === undefined ? 'this relay wants an access token' : 'the access token does not hold here',
      );
    if (allowedRooms?.has(room) === false)
      throw new ProtocolError('room-not-allowed', 'this relay does not serve this room');
    if (!open.has(room) && open.size >= rooms)
      throw new ProtocolError('busy', `the relay has its ${rooms} rooms; try again later`);
    if (!gate.tryTake()) throw new BusyError('too many come at once', gate.turn());
  };
