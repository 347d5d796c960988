import { afterEach, describe, expect, test } from '@jest/globals';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatBan,
  formatBans,
  loadBans,
  parseBans,
  parseBanTarget,
  saveBans,
} from '../../../src/admin/banFile.js';
import {
  type Ban,
  banMatcher,
  banTarget,
  currentBans,
  withBan,
  withoutBan,
} from '../../../src/admin/bans.js';
import { tempDirs } from '../../support/history/openHistory.js';
import { CELLAR, LOBBY } from '../../support/wire.js';

const dirs = tempDirs();
afterEach(() => dirs.clear());

const ban = (target: string, untilMs?: number): Ban => ({ ...parseBanTarget(target)!, untilMs });

describe('bans', () => {
  test('concern addresses and rooms', () => {
    const { isPeerBanned, isRoomBanned } = banMatcher([ban('192.0.2.0/24'), ban(LOBBY)]);
    expect(isPeerBanned('192.0.2.7:1', 0)).toBe(true);
    expect(isPeerBanned('198.51.100.7:1', 0)).toBe(false);
    expect([isRoomBanned(LOBBY, 0), isRoomBanned(CELLAR, 0)]).toStrictEqual([true, false]);
  });

  test('end at their time, and hold again if the clock is set back', () => {
    const { isPeerBanned, isRoomBanned } = banMatcher([ban('192.0.2.1', 100), ban(LOBBY, 200)]);
    const at = (nowMs: number) => [isPeerBanned('192.0.2.1:1', nowMs), isRoomBanned(LOBBY, nowMs)];
    expect([at(99), at(100), at(199), at(200), at(99)]).toStrictEqual([
      [true, true],
      [false, true],
      [false, true],
      [false, false],
      [true, true],
    ]);
    expect(currentBans([ban('192.0.2.1', 100), ban(LOBBY)], 100).map(banTarget)).toStrictEqual([LOBBY]);
  });

  test('of one target replace each other, and can be removed', () => {
    const bans = withBan([ban('192.0.2.1', 100), ban(LOBBY)], ban('192.0.2.1', 500));
    expect(bans.map(formatBan)).toStrictEqual([
      { target: LOBBY },
      { target: '192.0.2.1', until: '1970-01-01T00:00:00.500Z' },
    ]);
    expect(withoutBan(bans, LOBBY).map(banTarget)).toStrictEqual(['192.0.2.1']);
  });
});

describe('the file of bans', () => {
  const bans = [ban('192.0.2.0/24', 1000), ban('2001:db8::1'), ban(LOBBY)];

  test('has what was saved, for the owner alone', () => {
    const dir = dirs.make();
    expect(loadBans(dir)).toStrictEqual([]);
    saveBans(dir, bans);
    expect(formatBans(loadBans(dir))).toBe(formatBans(bans));
    expect(statSync(join(dir, 'bans.json')).mode & 0o777).toBe(0o600);
  });

  test.each([
    '',
    '{}',
    '{"version":2,"bans":[]}',
    '{"version":1,"bans":{}}',
    '{"version":1,"bans":[1]}',
    '{"version":1,"bans":[{"target":"bob"}]}',
    '{"version":1,"bans":[{"target":"192.0.2.1","until":"soon"}]}',
    '{"version":1,"bans":[{"target":"192.0.2.1","until":5}]}',
  ])('with %j is invalid: no ban is forgotten silently', (text) => {
    expect(parseBans(text)).toBeUndefined();
    const dir = dirs.make();
    writeFileSync(join(dir, 'bans.json'), text);
    expect(() => loadBans(dir)).toThrow(/^the bans in .* are invalid: correct or remove the file$/);
  });

  test('that cannot be written is an error', () => {
    expect(() => {
      saveBans(join(dirs.make(), 'none'), bans);
    }).toThrow(/^cannot save the bans in .*: no such file or directory$/);
  });
});
