import { addressKey } from './addressKey.js';
import { addressLevels, type AddressRate } from './addressRate.js';
import { Level, type Rate, schedulerTime, UNLIMITED } from './tokenBucket.js';

export interface JoinRates {
  /** How many joins are let in, from all addresses together. */
  readonly joinRate?: Rate | undefined;
  /** How many from one address, before they count for all. */
  readonly joinRatePerAddress?: AddressRate | undefined;
}

/** Lets joins in at a rate, and gives each of the others a turn of its own. */
export interface JoinGate {
  /** Whether this peer could be let in now. */
  readonly isOpen: (peer: string) => boolean;
  /** Lets this peer in, if it may. */
  readonly tryTake: (peer: string) => boolean;
  /** In how many ms a peer that was not let in should come back. */
  readonly turn: (peer: string) => number;
  /** The proof of a peer that was let in did not hold: that costs its address several joins, and the others none. */
  readonly fail: (peer: string) => void;
  /** A member of this address has lost its connection: the next join from there comes before strangers. */
  readonly reserve: (peer: string) => void;
}

/** The longest wait that anybody is asked for, in ms: a client that comes then finds the crowd gone, or gets another turn. */
const LONGEST_TURN = 60_000;

/** How many joins of its address a proof costs that does not hold. */
const FAILED_COST = 5;

/** The part of the burst that strangers leave to members that come back. */
const RESERVED = 0.25;

/** How long, in ms, joins are reserved, and for how many addresses. */
const RESERVED_MS = 600_000;
const RESERVED_ADDRESSES = 10_000;

/**
 * A gate for joins. Those that are sent away are spread over the time that the rate needs for all of them: were they left
 * to come back as they like, a crowd would come many times, and each time costs the relay what it wanted to save.
 *
 * An address has to have a join left of its own before it uses up one of all. Strangers cannot take the last quarter of
 * the burst: it is for joins that were reserved, which therefore come before them, at the whole rate.
 *
 * @example
 * import { joinGate } from 'rxchat/streams';
 *
 * const gate = joinGate({ joinRate: { perSecond: 10, burst: 1 } }, () => 0);
 * const peer = '192.0.2.1:50412';
 * console.log(gate.tryTake(peer), gate.tryTake(peer), gate.turn(peer), gate.turn(peer)); // true false 100 200
 */
export const joinGate = (
  { joinRate = UNLIMITED, joinRatePerAddress = UNLIMITED }: JoinRates = {},
  now: () => number = schedulerTime,
): JoinGate => {
  const joins = new Level(joinRate, now);
  const turns = noBurst(joinRate, now);
  const reservedTurns = noBurst(joinRate, now);
  const own = addressLevels(joinRatePerAddress, { now });
  const ownTurns = addressLevels({ ...joinRatePerAddress, burst: 0 }, { now });
  const kept = Math.max(0, Math.min(joinRate.burst * RESERVED, joinRate.burst - 1));
  /** How many joins each address has reserved, and until when. */
  const reserved = new Map<string, { readonly joins: number; readonly until: number }>();

  const reservedOf = (address: string): number => {
    const { joins: count, until } = reserved.get(address) ?? { joins: 0, until: 0 };
    return until > now() ? count : 0;
  };
  const isReserved = (peer: string): boolean => reservedOf(addressKey(peer)) > 0;
  const hasForAll = (peer: string): boolean => joins.has() && (joins.has(1 + kept) || isReserved(peer));
  const isOpen = (peer: string): boolean => own.of(peer).has() && hasForAll(peer);

  return {
    isOpen,
    tryTake: (peer) => {
      if (!isOpen(peer)) return false;
      own.of(peer).take(1);
      joins.take(1);
      const address = addressKey(peer);
      const left = reservedOf(address) - 1;
      if (left > 0) reserved.set(address, { joins: left, until: now() + RESERVED_MS });
      else reserved.delete(address);
      return true;
    },
    turn: (peer) => {
      const all = isReserved(peer) ? reservedTurns : turns;
      const level = own.of(peer).has() ? all : ownTurns.of(peer);
      if (level.debt() < LONGEST_TURN) level.take(1);
      return Math.min(level.debt(), LONGEST_TURN);
    },
    fail: (peer) => {
      joins.take(-1);
      own.of(peer).take(FAILED_COST - 1);
    },
    reserve: (peer) => {
      const address = addressKey(peer);
      const count = reservedOf(address) + 1;
      reserved.delete(address);
      reserved.set(address, { joins: count, until: now() + RESERVED_MS });
      if (reserved.size > RESERVED_ADDRESSES) {
        const [oldest] = reserved.keys();
        reserved.delete(oldest ?? address);
      }
    },
  };
};

const noBurst = (rate: Rate, now: () => number): Level => new Level({ ...rate, burst: 0 }, now);
