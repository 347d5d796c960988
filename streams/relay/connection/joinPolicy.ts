import { BucketLevel, type Rate, schedulerTime, UNLIMITED } from '../../rx/tokenBucket.js';
import { BusyError, ProtocolError } from '../../wire/errors.js';
import type { RoomName } from '../../wire/handshake.js';
import { addressBuckets, type AddressBuckets, addressKey, type AddressRate } from './addressRate.js';

export interface JoinRates {
  /** Rate of joins from all addresses together. */
  readonly joinRate?: Rate | undefined;
  /** Rate of joins from each address. */
  readonly joinRatePerAddress?: AddressRate | undefined;
}

/** Limits the rate of joins, and gives each rejected peer a time to retry. */
export interface JoinLimiter {
  /** Returns whether this peer could join now. */
  readonly hasCapacity: (peer: string) => boolean;
  /** Counts a join of this peer if it is allowed now, and returns whether it is. */
  readonly tryTake: (peer: string) => boolean;
  /** Returns the time in ms after which a rejected peer should retry. */
  readonly retryAfterMs: (peer: string) => number;
  /** Charges an invalid proof to the address of the peer as several joins; it costs others nothing. */
  readonly recordInvalidProof: (peer: string) => void;
  /** Reserves a join for the address of a member that lost its connection. */
  readonly reserve: (peer: string) => void;
}

/** Maximum time to retry in ms. By then the burst is over, or the client gets another time. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Number of joins that an invalid proof costs its address. */
const INVALID_PROOF_COST = 5;

/** Time in ms after which a client can try again to join a room whose entries are being removed. */
const REMOVAL_RETRY_MS = 1000;

/** Share of the burst that only reserved joins can use. */
const RESERVED_SHARE = 0.25;

const RESERVATION_MS = 600_000;
const MAX_RESERVED_ADDRESSES = 10_000;

/**
 * Creates a join limiter.
 *
 * Rejected peers get times to retry that are spread over the time the rate needs for all of them. If they retried whenever
 * they liked, a crowd would come back many times, and each attempt costs what the limit is to save.
 *
 * An address uses its own rate before it uses the common one. The last quarter of the common burst is for reserved joins,
 * so members that lost their connection come before strangers, at the whole rate.
 *
 * @example
 * import { joinLimiter } from './joinPolicy.js';
 *
 * const limiter = joinLimiter({ joinRate: { perSecond: 10, burst: 1 } }, () => 0);
 * const peer = '192.0.2.1:50412';
 * console.log(limiter.tryTake(peer), limiter.tryTake(peer)); // true false
 * console.log(limiter.retryAfterMs(peer), limiter.retryAfterMs(peer)); // 100 200
 */
export const joinLimiter = (
  { joinRate = UNLIMITED, joinRatePerAddress = UNLIMITED }: JoinRates = {},
  now: () => number = schedulerTime,
): JoinLimiter => {
  const joins = new BucketLevel(joinRate, now);
  const retrySchedule = withoutBurst(joinRate, now);
  const reservedRetrySchedule = withoutBurst(joinRate, now);
  const addressJoins = addressBuckets(joinRatePerAddress, { now });
  const addressRetrySchedule = addressBuckets({ ...joinRatePerAddress, burst: 0 }, { now });
  const reservedBurst = Math.max(0, Math.min(joinRate.burst * RESERVED_SHARE, joinRate.burst - 1));
  /** Number of reserved joins per address, and when they expire. */
  const reservations = new Map<string, { readonly joins: number; readonly until: number }>();

  const reservedBy = (address: string): number => {
    const { joins: count, until } = reservations.get(address) ?? { joins: 0, until: 0 };
    return until > now() ? count : 0;
  };
  const isReserved = (peer: string): boolean => reservedBy(addressKey(peer)) > 0;
  const hasCommonCapacity = (peer: string): boolean =>
    joins.has() && (joins.has(1 + reservedBurst) || isReserved(peer));
  const hasCapacity = (peer: string): boolean => addressJoins.bucketOf(peer).has() && hasCommonCapacity(peer);

  return {
    hasCapacity,
    tryTake: (peer) => {
      if (!hasCapacity(peer)) return false;
      addressJoins.bucketOf(peer).take(1);
      joins.take(1);
      const address = addressKey(peer);
      const left = reservedBy(address) - 1;
      if (left > 0) reservations.set(address, { joins: left, until: now() + RESERVATION_MS });
      else reservations.delete(address);
      return true;
    },
    retryAfterMs: (peer) => {
      const common = isReserved(peer) ? reservedRetrySchedule : retrySchedule;
      const level = addressJoins.bucketOf(peer).has() ? common : addressRetrySchedule.bucketOf(peer);
      if (level.debtMs() < MAX_RETRY_AFTER_MS) level.take(1);
      return Math.min(level.debtMs(), MAX_RETRY_AFTER_MS);
    },
    recordInvalidProof: (peer) => {
      joins.take(-1);
      addressJoins.bucketOf(peer).take(INVALID_PROOF_COST - 1);
    },
    reserve: (peer) => {
      const address = addressKey(peer);
      const count = reservedBy(address) + 1;
      reservations.delete(address);
      reservations.set(address, { joins: count, until: now() + RESERVATION_MS });
      if (reservations.size > MAX_RESERVED_ADDRESSES) {
        const [oldest] = reservations.keys();
        reservations.delete(oldest ?? address);
      }
    },
  };
};

const withoutBurst = (rate: Rate, now: () => number): BucketLevel =>
  new BucketLevel({ ...rate, burst: 0 }, now);

/**
 * Returns whether an answer to `NICK` proves the access token of the relay.
 *
 * `access` is base64url over an `accessMessage`, or `undefined` if the answer has no `access`. Takes constant time; returns `false`
 * for malformed input.
 */
export type CheckAccess = (message: Uint8Array, access: string | undefined) => boolean;

/** Who may not use a relay. It is asked for each connection and each join. */
export interface Bans {
  readonly isPeerBanned: (peer: string) => boolean;
  readonly isRoomBanned: (room: string) => boolean;
}

export interface JoinPolicyOptions {
  /** If given, only clients with the access token can join. */
  readonly checkAccess?: CheckAccess | undefined;
  /** If given, only these rooms are served. */
  readonly allowedRooms?: ReadonlySet<string> | undefined;
  /** Rooms that nobody can join. */
  readonly bans?: Pick<Bans, 'isRoomBanned'> | undefined;
  /** Whether the entries of a room are being removed, so that nobody can join it now. */
  readonly isRemoving?: ((room: string) => boolean) | undefined;
  /** Maximum number of rooms in memory. */
  readonly maxRooms?: number;
  /** Rate of new rooms from each address. */
  readonly newRoomRatePerAddress?: AddressRate | undefined;
  /** Knows the rooms that are not new although they are not in memory; a `History` does. */
  readonly history?: { readonly has?: (room: string) => boolean } | undefined;
  /**
   * Whether only the log of an open room shows if the room is new, as in a shared store. The policy then charges no address:
   * the relay does so when a member has joined (`chargeNewRoom`). Members who come back after its restart cost nothing.
   */
  readonly chargesWhenOpen?: boolean;
  /** Limits the rate of proofs to verify. */
  readonly limiter?: JoinLimiter;
}

/** An answer to `NICK` and the peer that sent it. */
export interface JoinRequest {
  readonly room: RoomName;
  readonly access: string | undefined;
  readonly peer: string;
}

/**
 * Throws a `ProtocolError` to reject a join before its proof is verified.
 *
 * Otherwise it returns a function to be called with whether the proof is valid.
 */
export type JoinPolicy = (request: JoinRequest, message: Uint8Array) => (isValid: boolean) => void;

/**
 * Creates the policy of a relay: who can join, apart from the proof.
 *
 * It decides before the signature is verified, since that is what a join costs. Temporary reasons (a rate, too many
 * rooms) are `busy`, and the client retries by itself. Clients without the access token do not use up the rate. An
 * invalid proof costs only its own address, and creates no room.
 *
 * @param openRooms the rooms in memory.
 */
export const joinPolicy =
  (
    {
      checkAccess,
      allowedRooms,
      bans,
      isRemoving,
      maxRooms = Infinity,
      newRoomRatePerAddress,
      history,
      chargesWhenOpen = false,
      limiter = joinLimiter(),
    }: JoinPolicyOptions,
    openRooms: Pick<ReadonlySet<RoomName>, 'has' | 'size'>,
    newRooms: AddressBuckets = addressBuckets(newRoomRatePerAddress),
  ): JoinPolicy =>
  ({ room, access, peer }, message) => {
    if (checkAccess?.(message, access) === false)
      throw new ProtocolError(
        'access-denied',
        access === undefined ? 'this relay requires an access token' : 'the access token is wrong',
      );
    if (allowedRooms?.has(room) === false)
      throw new ProtocolError('room-not-allowed', 'this relay does not serve this room');
    if (bans?.isRoomBanned(room) === true)
      throw new ProtocolError('room-not-allowed', 'this room is banned from this relay');
    if (isRemoving?.(room) === true) throw new BusyError('the room is being deleted', REMOVAL_RETRY_MS);
    if (!openRooms.has(room) && openRooms.size >= maxRooms)
      throw new ProtocolError(
        'busy',
        `the relay has reached its limit of ${maxRooms} rooms; try again later`,
      );
    const roomLimiter = newRooms.limiterOf(peer);
    const isNew = roomLimiter !== undefined && !openRooms.has(room) && history?.has?.(room) !== true;
    if (isNew && !roomLimiter.has())
      throw new ProtocolError('busy', 'this address created too many rooms; try again later');
    if (!limiter.tryTake(peer)) throw new BusyError('too many joins at once', limiter.retryAfterMs(peer));
    return (isValid) => {
      if (!isValid) limiter.recordInvalidProof(peer);
      else if (isNew && !chargesWhenOpen) roomLimiter.take(1);
    };
  };

/** Charges the address of a member for a new room: the log was empty when it joined. */
export const chargeNewRoom = (newRooms: AddressBuckets, { member, welcome }: ChargedJoin): void => {
  if (welcome.next === 1) newRooms.limiterOf(member.connection.peer)?.take(1);
};

/** A member that has joined a room. */
export interface ChargedJoin {
  readonly member: { readonly connection: { readonly peer: string } };
  readonly welcome: { readonly next: number };
}
