import { BusyError, ProtocolError } from '../wire/errors.js';
import type { RoomName } from '../wire/handshake.js';
import { type AddressLevels, addressLevels, type AddressRate } from './addressRate.js';
import type { History } from './history.js';
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
  /** How many new rooms one address may make. */
  readonly newRoomRatePerAddress?: AddressRate | undefined;
  /** Which rooms are not new, besides those in memory. */
  readonly history?: Pick<History, 'has'> | undefined;
  /** At what rate proofs are checked. */
  readonly gate?: JoinGate;
}

/** An answer to `NICK`, and the peer that gave it. */
export interface Asked {
  readonly room: RoomName;
  readonly access: string | undefined;
  readonly peer: string;
}

/**
 * Throws a `ProtocolError` if an answer to `NICK` is refused before its proof is checked. Otherwise the result has to be
 * called with whether the proof holds.
 */
export type Entrance = (asked: Asked, message: Uint8Array) => (holds: boolean) => void;

/**
 * Who may come in, apart from the proof: decided before that, since checking a signature is what a join costs. What
 * passes (a rate, a room too many) is `busy`, and the client comes back by itself. Outsiders of a private relay do not
 * use up the rate. A proof that does not hold costs its address alone, and makes no room.
 *
 * @param open the rooms that are in memory.
 */
export const entrance =
  (
    {
      checkAccess,
      allowedRooms,
      rooms = Infinity,
      newRoomRatePerAddress,
      history,
      gate = joinGate(),
    }: EntranceOptions,
    open: Pick<ReadonlySet<RoomName>, 'has' | 'size'>,
    newRooms: AddressLevels = addressLevels(newRoomRatePerAddress),
  ): Entrance =>
  ({ room, access, peer }, message) => {
    if (checkAccess?.(message, access) === false)
      throw new ProtocolError(
        'access-denied',
        access === undefined ? 'this relay wants an access token' : 'the access token does not hold here',
      );
    if (allowedRooms?.has(room) === false)
      throw new ProtocolError('room-not-allowed', 'this relay does not serve this room');
    if (!open.has(room) && open.size >= rooms)
      throw new ProtocolError('busy', `the relay has its ${rooms} rooms; try again later`);
    const made = newRooms.follow(peer);
    const isNew = made !== undefined && !open.has(room) && history?.has?.(room) !== true;
    if (isNew && !made.has())
      throw new ProtocolError('busy', 'this address has made too many new rooms; try again later');
    if (!gate.tryTake(peer)) throw new BusyError('too many come at once', gate.turn(peer));
    return (holds) => {
      if (!holds) gate.fail(peer);
      else if (isNew) made.take(1);
    };
  };
