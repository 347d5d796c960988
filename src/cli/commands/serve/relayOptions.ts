import { join } from 'node:path';
import {
  addressKey,
  type AddressRate,
  DEFAULT_MAX_CONNECTIONS_PER_NICK,
  type Rate,
  type RelayLimits,
  type RelayOptions,
} from '../../../../streams/relay/index.js';
import { fromBase64url, MAX_LINE_BYTES } from '../../../../streams/wire/index.js';
import { isLoopback } from '../../../util/address.js';
import { checkAccess } from '../../../crypto/accessToken.js';
import { accessTokensFromFlags } from '../../shared/secretFiles.js';
import { usageError } from '../../process/exit.js';
import {
  bytesFlag,
  type Flags,
  integerFlag,
  durationFlag,
  stringListFlag,
  choiceFlag,
  flagName,
  stringFlag,
} from '../../args/flags.js';
import type { Retention } from '../../../history/index.js';
import { DURABILITIES } from '../../args/choices.js';
import { stateDir } from '../../process/environment.js';

const MAX_COUNT = 1_000_000_000;
const MIB = 1_048_576;

/** Default limits of `serve`; docs/limits.md and the help repeat them. */
const DEFAULTS = {
  connections: 10_000,
  connectionsPerAddress: 256,
  joinsPerSecond: 200,
  joinsPerAddress: 10,
  newRoomsPerAddress: 100,
  bytesPerAddress: 256 * MIB,
  handshakeTimeout: 10_000,
  rooms: 10_000,
  roomMembers: 5000,
  bytesPerSecond: 4 * MIB,
  linesPerSecond: 1000,
  memoryLimit: 256 * MIB,
} as const;

/** Minimum of `--line-limit`, in bytes; announcements and handshake answers fit into it. */
const MIN_LINE_BYTES = 4096;

/**
 * Bursts, as seconds' worth of the rate that may arrive at once.
 * Few joins, because all joins of a burst are verified together and delay everyone else. A client rejected with `busy`
 * is back in a second. Many lines, so that a paste is not throttled.
 */
const JOIN_BURST_SECONDS = 0.5;
const ADDRESS_JOIN_BURST_SECONDS = 3;
const BYTE_BURST_SECONDS = 2;
const LINE_BURST_SECONDS = 10;

/** Limits and access rules from the flags of `serve`. */
interface RelayFlags extends Pick<RelayOptions, 'checkAccess' | 'allowedRooms'> {
  readonly limits: RelayLimits;
  readonly handshakeTimeoutMs: number;
}

/** Parses the limits and access rules of a relay from the flags of `serve`. */
export const limitsFromFlags = (flags: Flags): RelayFlags => {
  const count = (key: 'connections' | 'connectionsPerAddress' | 'rooms' | 'roomMembers') =>
    zeroAsInfinity(integerFlag(flags, key, 0, MAX_COUNT) ?? DEFAULTS[key]);
  const tokens = accessTokensFromFlags(flags);
  const limits: RelayLimits = {
    maxConnections: count('connections'),
    maxConnectionsPerAddress: count('connectionsPerAddress'),
    maxRooms: count('rooms'),
    maxRoomMembers: count('roomMembers'),
    maxConnectionsPerNick:
      integerFlag(flags, 'connectionsPerNick', 1, MAX_COUNT) ?? DEFAULT_MAX_CONNECTIONS_PER_NICK,
    joinRate: rate(
      integerFlag(flags, 'joinsPerSecond', 0, MAX_COUNT) ?? DEFAULTS.joinsPerSecond,
      JOIN_BURST_SECONDS,
    ),
    joinRatePerAddress: addressRate(flags, 'joinsPerAddress', (n) => rate(n, ADDRESS_JOIN_BURST_SECONDS)),
    newRoomRatePerAddress: addressRate(flags, 'newRoomsPerAddress', hourlyRate),
    byteRatePerAddress: addressRate(flags, 'bytesPerAddress', hourlyRate),
    byteRate: rate(
      bytesFlag(flags, 'bytesPerSecond', 0, 2 ** 40) ?? DEFAULTS.bytesPerSecond,
      BYTE_BURST_SECONDS,
    ),
    lineRate: rate(
      integerFlag(flags, 'linesPerSecond', 0, MAX_COUNT) ?? DEFAULTS.linesPerSecond,
      LINE_BURST_SECONDS,
    ),
    maxLineBytes: bytesFlag(flags, 'lineLimit', MIN_LINE_BYTES, MAX_LINE_BYTES) ?? MAX_LINE_BYTES,
    memoryLimitBytes: bytesFlag(flags, 'memoryLimit', MIB, 2 ** 50) ?? DEFAULTS.memoryLimit,
  };
  return {
    limits,
    handshakeTimeoutMs: durationFlag(flags, 'handshakeTimeout', 100, 3_600_000) ?? DEFAULTS.handshakeTimeout,
    allowedRooms: allowedRoomsFromFlags(flags),
    checkAccess: tokens && checkAccess(tokens),
  };
};

const zeroAsInfinity = (n: number): number => (n === 0 ? Infinity : n);

const rate = (perSecond: number, seconds: number): Rate => ({
  perSecond: zeroAsInfinity(perSecond),
  burst: zeroAsInfinity(Math.max(perSecond * seconds, Math.min(perSecond, 1))),
});

/** Returns a rate that allows `n` at once, and `n` more over an hour. */
const hourlyRate = (n: number): Rate => ({ perSecond: zeroAsInfinity(n) / 3600, burst: zeroAsInfinity(n) });

/**
 * Returns the rate per address; loopback addresses are exempt unless the flag is given.
 * So programs on this machine, including a proxy, have no limit by default.
 */
const addressRate = (
  flags: Flags,
  key: 'joinsPerAddress' | 'newRoomsPerAddress' | 'bytesPerAddress',
  rateOf: (n: number) => Rate,
): AddressRate => {
  const given =
    key === 'bytesPerAddress' ? bytesFlag(flags, key, 0, 2 ** 50) : integerFlag(flags, key, 0, MAX_COUNT);
  return { ...rateOf(given ?? DEFAULTS[key]), ...(given === undefined && { isExempt: isLoopbackKey }) };
};

/** Takes an address as `addressKey` formats it. */
const isLoopbackKey = (address: string): boolean => isLoopback(address) || address === addressKey('[::1]:1');

const allowedRoomsFromFlags = (flags: Flags): ReadonlySet<string> | undefined => {
  const rooms = stringListFlag(flags, 'allowRoom');
  for (const room of rooms ?? [])
    if (fromBase64url(room)?.length !== 32)
      throw usageError(
        '--allow-room needs the public name of a room, 43 characters',
        'use the "room" of listen --json, never the invite',
      );
  return rooms && new Set(rooms);
};

/** The directory, durability and retention of a relay's history. */
export interface HistoryOptions {
  readonly dir: string;
  readonly durability: 'disk' | 'os';
  readonly retention: Retention;
  /** Whether to trust the clock, however far it has moved since the last run. */
  readonly trustClock: boolean;
}

const DAY_MS = 86_400_000;
const MAX_BYTES = 2 ** 50;

/** Returns the directory of `--data`, or the default of the platform. */
export const historyDirFromFlags = (flags: Flags): string =>
  stringFlag(flags, 'data') ?? join(stateDir(), 'relay');

/**
 * Returns the directory in which `rxchat admin` finds the relay, or `undefined` if the relay has none: with `--memory` or
 * `--store`, only `--data` gives it one. Several such relays can run on a machine.
 */
export const adminDirFromFlags = (flags: Flags): string | undefined => {
  const isInMemory = flags['memory'] === true || flags['durability'] === 'memory';
  return isInMemory || flags['store'] !== undefined ? stringFlag(flags, 'data') : historyDirFromFlags(flags);
};

/** Parses the history flags of `serve`; returns `undefined` if history is in memory only. */
export const historyOptionsFromFlags = (flags: Flags): HistoryOptions | undefined => {
  const durability = choiceFlag(flags, 'durability', DURABILITIES);
  const retention: Retention = {
    maxAgeMs: durationFlag(flags, 'keep', 1000, 36_500 * DAY_MS) ?? 30 * DAY_MS,
    maxBytes: bytesFlag(flags, 'keepBytes', 65_536, MAX_BYTES) ?? 64 * 2 ** 20,
    maxTotalBytes: bytesFlag(flags, 'keepTotal', 65_536, MAX_BYTES) ?? 2 ** 30,
    ...entryLimitFromFlags(flags),
  };
  if (flags['memory'] !== true && durability !== 'memory')
    return {
      dir: historyDirFromFlags(flags),
      durability,
      retention,
      trustClock: flags['trustClock'] === true,
    };
  for (const flag of ['keep', 'keepEntries', 'keepBytes', 'keepTotal', 'trustClock'])
    if (flags[flag] !== undefined)
      throw usageError(
        `${flagName(flag)} has no effect with ${flags['memory'] === true ? '--memory' : '--durability memory'}`,
      );
  if (flags['memory'] === true && flags['durability'] !== undefined && durability !== 'memory')
    throw usageError(`--memory and --durability ${durability} exclude each other`);
  return undefined;
};

const entryLimitFromFlags = (flags: Flags): Retention => {
  const n = integerFlag(flags, 'keepEntries', 1, Number.MAX_SAFE_INTEGER);
  return n === undefined ? {} : { maxEntries: n };
};
