import { describe, expect, test } from '@jest/globals';
import { checkAccess, showAccess } from '../../src/crypto/accessToken.js';
import { joinGate } from '../../streams/relay/joinGate.js';
import { entrance, type EntranceOptions } from '../../streams/relay/entrance.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import type { RoomName } from '../../streams/wire/handshake.js';
import { ProtocolError } from '../../streams/wire/errors.js';
import { CELLAR, LOBBY } from '../support/wire.js';

const MESSAGE = new Uint8Array([1, 2, 3]);
const TOKEN = 'correct horse battery';

/** The code of the refusal of one who wants in, or `in`. */
const door = (options: EntranceOptions, open = new Set([LOBBY])) => {
  const enter = entrance(options, open);
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
    expect([door({})(), door({})(LOBBY, 'whatever')]).toStrictEqual(['in', 'in']);
  });

  test('lets as many in as the rate says, then is busy', () => {
    const enter = door({ gate: joinGate({ joinRate: { perSecond: 0.001, burst: 1 } }) });
    expect([enter(), enter()]).toStrictEqual(['in', 'busy']);
  });

  test('opens no room beyond the limit, and those that are open stay so', () => {
    const enter = door({ rooms: 1 });
    expect([enter(CELLAR), enter(LOBBY)]).toStrictEqual(['busy', 'in']);
  });

  test('takes nothing from all for proofs that do not hold', () => {
    const enter = door({ gate: joinGate({ joinRate: { perSecond: 0.001, burst: 1 } }) });
    for (let n = 0; n < 9; n += 1) expect(enter(LOBBY, undefined, 'mallory', false)).toBe('out');
    expect(enter()).toBe('in');
  });

  test('lets each address make so many new rooms; those in memory or stored are not new', () => {
    const [STORED, ATTIC, BARN] = [3, 4, 5].map(
      (mark) => toBase64url(new Uint8Array(32).fill(mark)) as RoomName,
    );
    const enter = door({
      newRoomRatePerAddress: { perSecond: 0.001, burst: 1 },
      history: { has: (room) => room === STORED },
    });
    expect(enter(CELLAR, undefined, 'a', false)).toBe('out');
    expect([enter(CELLAR, undefined, 'a'), enter(ATTIC, undefined, 'a')]).toStrictEqual(['in', 'busy']);
    expect([enter(STORED, undefined, 'a'), enter(LOBBY, undefined, 'a')]).toStrictEqual(['in', 'in']);
    expect([enter(BARN, undefined, 'b'), enter(ATTIC, undefined, 'b')]).toStrictEqual(['in', 'busy']);
  });

  test('lets only into rooms that are allowed', () => {
    const enter = door({ allowedRooms: new Set([LOBBY]) });
    expect([enter(CELLAR), enter(LOBBY)]).toStrictEqual(['room-not-allowed', 'in']);
  });

  test('of a private relay lets only those in who show one of its tokens, over this very join', () => {
    const enter = door({ checkAccess: checkAccess(['another old token', TOKEN]) });
    const shown = showAccess(TOKEN)(MESSAGE);
    expect(shown).not.toContain(TOKEN);
    expect([
      enter(LOBBY, shown),
      enter(LOBBY),
      enter(LOBBY, showAccess('correct horse batterY')(MESSAGE)),
      enter(LOBBY, showAccess(TOKEN)(new Uint8Array([1, 2, 4]))),
      enter(LOBBY, shown.slice(1)),
      enter(LOBBY, ''),
      enter(LOBBY, TOKEN),
    ]).toStrictEqual(['in', ...Array<string>(6).fill('access-denied')]);
  });

  test('does not let outsiders use up the rate', () => {
    const enter = door({
      checkAccess: (_, access) => access === 'yes',
      gate: joinGate({ joinRate: { perSecond: 0.001, burst: 1 } }),
    });
    for (let n = 0; n < 9; n += 1) expect(enter()).toBe('access-denied');
    expect(enter(LOBBY, 'yes')).toBe('in');
  });
});
