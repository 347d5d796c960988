import { afterEach, describe, expect, test } from '@jest/globals';
import type { ConnectionInfo } from '../../../../../../streams/relay/index.js';
import { openBans } from '../../../../../../src/cli/commands/serve/admin/banActions.js';
import { connectionActions } from '../../../../../../src/cli/commands/serve/admin/connectionActions.js';
import { tempDirs } from '../../../../../support/history/openHistory.js';
import { CELLAR, LOBBY } from '../../../../../support/wire.js';

const dirs = tempDirs();
afterEach(() => dirs.clear());

const connection = (peer: string, nick?: string, room = LOBBY): ConnectionInfo => ({
  peer,
  openedAt: 0,
  receivedBytes: 0,
  member: nick === undefined ? undefined : { nick, room },
});

const fixture = (dir = dirs.make()) => {
  const all = [
    connection('192.0.2.1:1', 'Bob'),
    connection('192.0.2.1:2', 'alice', CELLAR),
    connection('[::ffff:192.0.2.9]:3'),
    connection('[2001:db8::1]:4', 'bob', CELLAR),
  ];
  const ended: string[] = [];
  const bans = openBans(dir, () => 1000);
  const actions = connectionActions(bans, (inspect) => {
    for (const each of all) {
      const error = inspect(each);
      if (error !== undefined) ended.push(`${each.peer} ${error.code}`);
    }
  });
  const perform = (action: keyof typeof actions, target?: string, forMs?: number) =>
    actions[action]({ action, target, forMs, user: '' });
  return { bans, ended, perform, dir };
};

describe('kick', () => {
  test.each([
    ['192.0.2.1', ['192.0.2.1:1', '192.0.2.1:2']],
    ['192.0.2.1:2', ['192.0.2.1:2']],
    ['192.0.2.0/24', ['192.0.2.1:1', '192.0.2.1:2', '[::ffff:192.0.2.9]:3']],
    ['2001:db8::2', ['[2001:db8::1]:4']],
    ['BOB', ['192.0.2.1:1', '[2001:db8::1]:4']],
  ])('%s ends the connections that it names, in all rooms', (target, peers) => {
    const { ended, perform } = fixture();
    expect(perform('kick', target)).toStrictEqual({ disconnected: peers.length });
    expect(ended).toStrictEqual(peers.map((peer) => `${peer} access-denied`));
  });

  test('says if nobody matches', () => {
    expect(() => fixture().perform('kick', 'carol')).toThrow('no connection has this address or nick');
  });
});

describe('ban', () => {
  test('ends the connections of an address, keeps it away and survives a restart', () => {
    const { bans, ended, perform, dir } = fixture();
    expect(perform('ban', '192.0.2.1', 5000)).toStrictEqual({
      target: '192.0.2.1',
      until: '1970-01-01T00:00:06.000Z',
      disconnected: 2,
    });
    expect(ended).toStrictEqual(['192.0.2.1:1 access-denied', '192.0.2.1:2 access-denied']);
    expect([bans.isPeerBanned('192.0.2.1:9'), bans.isPeerBanned('192.0.2.2:9')]).toStrictEqual([true, false]);
    expect(fixture(dir).bans.isPeerBanned('192.0.2.1:9')).toBe(true);
    expect(openBans(dir, () => 6000).list()).toStrictEqual([]);
  });

  test('ends the connections of a room, and keeps everyone away from it', () => {
    const { bans, ended, perform } = fixture();
    expect(perform('ban', CELLAR)).toStrictEqual({ target: CELLAR, disconnected: 2 });
    expect(ended).toStrictEqual(['192.0.2.1:2 room-not-allowed', '[2001:db8::1]:4 room-not-allowed']);
    expect([bans.isRoomBanned(CELLAR), bans.isRoomBanned(LOBBY)]).toStrictEqual([true, false]);
  });

  test('needs an address or a room', () => {
    for (const target of ['bob', '192.0.2.1:80', ''])
      expect(() => fixture().perform('ban', target)).toThrow(/^a ban needs an address such as/);
  });

  test('is removed by unban, however its target is written', () => {
    const { bans, perform, dir } = fixture();
    perform('ban', '2001:db8::1');
    expect(perform('bans')).toStrictEqual({ total: 1, rows: [{ target: '2001:db8::/64' }] });
    expect(perform('unban', '2001:db8::5')).toStrictEqual({ target: '2001:db8::/64' });
    expect(bans.isPeerBanned('[2001:db8::1]:4')).toBe(false);
    expect(fixture(dir).perform('bans')).toStrictEqual({ total: 0, rows: [] });
    expect(() => perform('unban', '2001:db8::5')).toThrow('there is no ban of 2001:db8::/64');
  });
});
