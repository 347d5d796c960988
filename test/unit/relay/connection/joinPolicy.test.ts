import { describe, expect, test } from '@jest/globals';
import { checkAccess, proveAccess } from '../../../../src/crypto/accessToken.js';
import {
  joinLimiter,
  joinPolicy,
  type JoinPolicyOptions,
} from '../../../../streams/relay/connection/joinPolicy.js';
import { toBase64url } from '../../../../streams/wire/encoding.js';
import type { RoomName } from '../../../../streams/wire/handshake.js';
import { ProtocolError } from '../../../../streams/wire/errors.js';
import { CELLAR, LOBBY } from '../../../support/wire.js';

const MESSAGE = new Uint8Array([1, 2, 3]);
const TOKEN = 'correct horse battery';

/** Returns the code of the rejection, or `in`. */
const connection = (options: JoinPolicyOptions, open = new Set([LOBBY])) => {
  const enter = joinPolicy(options, open);
  return (room = LOBBY, access?: string, peer = 'peer', holds = true) => {
    try {
      enter({ room, access, peer }, MESSAGE)(holds);
      return holds ? 'in' : 'out';
    } catch (error) {
      return error instanceof ProtocolError ? error.code : error;
    }
  };
};

describe('entrance', () => {
  test('lets everyone in where nothing was said', () => {
    expect([connection({})(), connection({})(LOBBY, 'whatever')]).toStrictEqual(['in', 'in']);
  });

  test('lets as many in as the rate says, then is busy', () => {
    const enter = connection({ limiter: joinLimiter({ joinRate: { perSecond: 0.001, burst: 1 } }) });
    expect([enter(), enter()]).toStrictEqual(['in', 'busy']);
  });

  test('lets nobody into a banned room, and takes nothing from the rate for it', () => {
    const limiter = joinLimiter({ joinRate: { perSecond: 0.001, burst: 1 } });
    const enter = connection({ limiter, bans: { isRoomBanned: (room) => room === CELLAR } });
    expect([enter(CELLAR), enter(CELLAR), enter(LOBBY)]).toStrictEqual([
      'room-not-allowed',
      'room-not-allowed',
      'in',
    ]);
  });

  test('opens no room beyond the limit, and those that are open stay so', () => {
    const enter = connection({ maxRooms: 1 });
    expect([enter(CELLAR), enter(LOBBY)]).toStrictEqual(['busy', 'in']);
  });

  test('takes nothing from all for proofs that do not hold', () => {
    const enter = connection({ limiter: joinLimiter({ joinRate: { perSecond: 0.001, burst: 1 } }) });
    for (let n = 0; n < 9; n += 1) expect(enter(LOBBY, undefined, 'mallory', false)).toBe('out');
    expect(enter()).toBe('in');
  });

  test('lets each address make so many new rooms; those in memory or stored are not new', () => {
    const [STORED, ATTIC, BARN] = [3, 4, 5].map(
      (mark) => toBase64url(new Uint8Array(32).fill(mark)) as RoomName,
    );
    const enter = connection({
      newRoomRatePerAddress: { perSecond: 0.001, burst: 1 },
      history: { has: (room) => room === STORED },
    });
    expect(enter(CELLAR, undefined, 'a', false)).toBe('out');
    expect([enter(CELLAR, undefined, 'a'), enter(ATTIC, undefined, 'a')]).toStrictEqual(['in', 'busy']);
    expect([enter(STORED, undefined, 'a'), enter(LOBBY, undefined, 'a')]).toStrictEqual(['in', 'in']);
    expect([enter(BARN, undefined, 'b'), enter(ATTIC, undefined, 'b')]).toStrictEqual(['in', 'busy']);
  });

  test('lets only into rooms that are allowed', () => {
    const enter = connection({ allowedRooms: new Set([LOBBY]) });
    expect([enter(CELLAR), enter(LOBBY)]).toStrictEqual(['room-not-allowed', 'in']);
  });

  test('of a private relay lets only those in who show one of its tokens, over this very join', () => {
    const enter = connection({ checkAccess: checkAccess(['another old token', TOKEN]) });
    const screen = proveAccess(TOKEN)(MESSAGE);
    expect(screen).not.toContain(TOKEN);
    expect([
      enter(LOBBY, screen),
      enter(LOBBY),
      enter(LOBBY, proveAccess('correct horse batterY')(MESSAGE)),
      enter(LOBBY, proveAccess(TOKEN)(new Uint8Array([1, 2, 4]))),
      enter(LOBBY, screen.slice(1)),
      enter(LOBBY, ''),
      enter(LOBBY, TOKEN),
    ]).toStrictEqual(['in', ...Array<string>(6).fill('access-denied')]);
  });

  test('does not let outsiders use up the rate', () => {
    const enter = connection({
      checkAccess: (_, access) => access === 'yes',
      limiter: joinLimiter({ joinRate: { perSecond: 0.001, burst: 1 } }),
    });
    for (let n = 0; n < 9; n += 1) expect(enter()).toBe('access-denied');
    expect(enter(LOBBY, 'yes')).toBe('in');
  });
});
