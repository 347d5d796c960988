import {
  addressKey,
  type AddressRate,
  DEFAULT_CONNECTIONS_PER_NICK,
  type Rate,
  type RelayOptions,
} from '../../streams/relay/index.js';
import { fromBase64url, LINE_LIMIT } from '../../streams/wire/index.js';
import { isLoopback } from '../address.js';
import { checkAccess } from '../crypto/accessToken.js';
import { readAccessTokens } from './accessTokens.js';
import { usageError } from './exit.js';
import { bytes, type Flags, integer, span, texts } from './flags.js';

const MOST = 1_000_000_000;
const MIB = 1_048_576;

/** What `serve` bears where nothing else is said; docs/limits.md and the help say the same. */
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

/** The shortest limit of a line that makes sense: announcements and answers to `NICK` fit. */
const SHORTEST_LINE = 4096;

/**
 * So many seconds' worth may come at once. Of joins few: those that come together are checked together, and everyone
 * else waits for that long; who is told `busy` is back in a second. Of lines many: a paste is to pass.
 */
const JOIN_BURST = 0.5;
const ADDRESS_JOIN_BURST = 3;
const BYTE_BURST = 2;
const LINE_BURST = 10;

/** The limits of a relay, as the flags of `serve` say. */
export const readLimits = (flags: Flags): Partial<RelayOptions> => {
  const count = (key: 'connections' | 'connectionsPerAddress' | 'rooms' | 'roomMembers') =>
    unlessZero(integer(flags, key, 0, MOST) ?? DEFAULTS[key]);
  const tokens = readAccessTokens(flags);
  return {
    connections: count('connections'),
    connectionsPerAddress: count('connectionsPerAddress'),
    rooms: count('rooms'),
    roomMembers: count('roomMembers'),
    connectionsPerNick: integer(flags, 'connectionsPerNick', 1, MOST) ?? DEFAULT_CONNECTIONS_PER_NICK,
    joinRate: rate(integer(flags, 'joinsPerSecond', 0, MOST) ?? DEFAULTS.joinsPerSecond, JOIN_BURST),
    joinRatePerAddress: ofAddress(flags, 'joinsPerAddress', (n) => rate(n, ADDRESS_JOIN_BURST)),
    newRoomRatePerAddress: ofAddress(flags, 'newRoomsPerAddress', anHour),
    byteRatePerAddress: ofAddress(flags, 'bytesPerAddress', anHour),
    byteRate: rate(bytes(flags, 'bytesPerSecond', 0, 2 ** 40) ?? DEFAULTS.bytesPerSecond, BYTE_BURST),
    lineRate: rate(integer(flags, 'linesPerSecond', 0, MOST) ?? DEFAULTS.linesPerSecond, LINE_BURST),
    handshakeTimeout: span(flags, 'handshakeTimeout', 100, 3_600_000) ?? DEFAULTS.handshakeTimeout,
    lineLimit: bytes(flags, 'lineLimit', SHORTEST_LINE, LINE_LIMIT) ?? LINE_LIMIT,
    memoryLimit: bytes(flags, 'memoryLimit', MIB, 2 ** 50) ?? DEFAULTS.memoryLimit,
    allowedRooms: readRooms(flags),
    checkAccess: tokens && checkAccess(tokens),
  };
};

const unlessZero = (n: number): number => (n === 0 ? Infinity : n);

const rate = (perSecond: number, seconds: number): Rate => ({
  perSecond: unlessZero(perSecond),
  burst: unlessZero(Math.max(perSecond * seconds, Math.min(perSecond, 1))),
});

/** So much at once, and again in an hour. */
const anHour = (n: number): Rate => ({ perSecond: unlessZero(n) / 3600, burst: unlessZero(n) });

/** Programs on this machine have no limit of an address, nor has a proxy here, unless a number was given. */
const ofAddress = (
  flags: Flags,
  key: 'joinsPerAddress' | 'newRoomsPerAddress' | 'bytesPerAddress',
  rateOf: (n: number) => Rate,
): AddressRate => {
  const given = key === 'bytesPerAddress' ? bytes(flags, key, 0, 2 ** 50) : integer(flags, key, 0, MOST);
  return { ...rateOf(given ?? DEFAULTS[key]), ...(given === undefined && { isExempt: isLoopbackKey }) };
};

/** By the name that `addressKey` has for it. */
const isLoopbackKey = (address: string): boolean => isLoopback(address) || address === addressKey('[::1]:1');

const readRooms = (flags: Flags): ReadonlySet<string> | undefined => {
  const rooms = texts(flags, 'allowRoom');
  for (const room of rooms ?? [])
    if (fromBase64url(room)?.length !== 32)
      throw usageError(
        '--allow-room needs the public name of a room, 43 characters',
        'it is the "room" of listen --json, and never the invite',
      );
  return rooms && new Set(rooms);
};
