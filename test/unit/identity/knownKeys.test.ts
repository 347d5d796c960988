import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRecord } from '../../../src/identity/keyRecord.js';
import { KNOWN_LIMIT, knownKeysFile, openKnownKeys } from '../../../src/identity/knownKeys.js';
import { transientNick } from '../../../src/identity/transientNick.js';
import { toBase64url } from '../../../streams/wire/index.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const keyOf = (n: number): string => toBase64url(new Uint8Array(32).fill(n));
const [ONE, TWO] = [keyOf(1), keyOf(2)];
const file = () => knownKeysFile(dir);
const open = () => openKnownKeys(dir, () => 0);

describe('known keys', () => {
  test('are kept by room and nick, in a file for their owner alone', () => {
    const keys = open();
    expect(keys.known('room').size).toBe(0);
    expect(keys.remember('room', 'Alice', ONE)).toBe(ONE);
    expect(keys.remember('other', 'alice', TWO)).toBe(TWO);
    for (const each of [keys, open()]) {
      expect([...each.known('room')]).toStrictEqual([['alice', ONE]]);
      expect([...each.known('other')]).toStrictEqual([['alice', TWO]]);
      expect(each.damaged()).toStrictEqual([]);
    }
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readFileSync(file(), 'utf8')).toContain('"time":"1970-01-01T00:00:00.000Z"');
  });

  test('a nick keeps its first key, however it is spelled, until another one is accepted', () => {
    const keys = open();
    keys.remember('room', 'Alice', ONE);
    const before = readFileSync(file(), 'utf8');
    expect(keys.remember('room', 'alice', ONE)).toBe(ONE);
    expect(keys.remember('room', 'ＡLICE', TWO)).toBe(ONE);
    expect(readFileSync(file(), 'utf8')).toBe(before);
    keys.accept('room', 'ALICE', TWO);
    expect([keys, open()].map((each) => each.known('room').get('alice'))).toStrictEqual([TWO, TWO]);
  });

  test('nicks of one run are not kept, however many come; what was accepted for one by hand is', () => {
    const keys = open();
    for (let i = 0; i < 10; i += 1) expect(keys.remember('room', transientNick('alice'), ONE)).toBe(ONE);
    expect(keys.known('room').size).toBe(0);
    keys.accept('room', 'alice~a1b2c3d4', ONE);
    expect(keys.remember('room', 'Alice~a1b2c3d4', TWO)).toBe(ONE);
  });

  test('are verified or not, by key and in every room', () => {
    const keys = open();
    expect(keys.isVerified(ONE)).toBe(false);
    keys.verify(ONE, true);
    expect([keys, open()].map((each) => each.isVerified(ONE))).toStrictEqual([true, true]);
    expect(keys.isVerified(TWO)).toBe(false);
    keys.verify(ONE, false);
    expect([keys, open()].map((each) => each.isVerified(ONE))).toStrictEqual([false, false]);
  });

  test('of two that see a nick for the first time with different keys, both keep the first', () => {
    const [first, second] = [open(), open()];
    expect(first.remember('room', 'alice', ONE)).toBe(ONE);
    expect(second.remember('room', 'alice', TWO)).toBe(ONE);
    expect(second.remember('room', 'bob', TWO)).toBe(TWO);
    expect(first.remember('room', 'bob', ONE)).toBe(TWO);
  });

  test('keep any nick, as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (nick) => {
        rmSync(file(), { force: true });
        open().remember('room', nick, ONE);
        expect([...open().known('room').values()]).toStrictEqual([ONE]);
        expect(open().remember('room', nick, TWO)).toBe(ONE);
      }),
      { numRuns: 30 },
    );
  });

  test('have a limit, over which a nick is not kept and known ones still are', () => {
    const lines = Array.from({ length: KNOWN_LIMIT }, (_, n) =>
      encodeRecord({ type: 'seen', time: '', room: 'room', nick: `n${n}`, key: ONE }),
    );
    writeFileSync(file(), `${lines.join('\n')}\n`, { mode: 0o600 });
    const keys = open();
    expect(keys.remember('room', 'more', TWO)).toBe(TWO);
    expect(keys.known('room').has('more')).toBe(false);
    expect(keys.remember('room', 'n7', TWO)).toBe(ONE);
    expect(keys.remember('other', 'more', TWO)).toBe(TWO);
    expect(keys.known('other').has('more')).toBe(true);
  });

  test('that others can read are refused', () => {
    open().remember('room', 'alice', ONE);
    chmodSync(file(), 0o640);
    expect(open).toThrow(/mode 0640\): chmod 600/);
  });
});

describe('a damaged file of known keys', () => {
  test('gives the numbers of its bad lines, and what the others say', () => {
    open().remember('room', 'alice', ONE);
    appendFileSync(file(), 'nonsense\n\n');
    open().remember('room', 'bob', TWO);
    const keys = open();
    expect(keys.damaged()).toStrictEqual([2]);
    expect([...keys.known('room')]).toStrictEqual([
      ['alice', ONE],
      ['bob', TWO],
    ]);
  });

  test('a line that was cut off does not take the next one with it', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    const whole = readFileSync(file(), 'utf8');
    writeFileSync(file(), whole + whole.slice(0, 40));
    const after = open();
    expect(after.damaged()).toStrictEqual([2]);
    after.remember('room', 'bob', TWO);
    expect([...open().known('room').keys()]).toStrictEqual(['alice', 'bob']);
    expect(open().damaged()).toStrictEqual([2]);
  });

  test.each([
    ['another type', { type: 'newer', time: '', room: 'room', nick: 'alice', key: ONE }],
    ['a key that is none', { type: 'seen', time: '', room: 'room', nick: 'alice', key: 'x' }],
    ['no nick', { type: 'seen', time: '', room: 'room', key: ONE }],
    ['no room', { type: 'accepted', time: '', nick: 'alice', key: ONE }],
  ])('a line with %s is one', (_case, record) => {
    writeFileSync(file(), `${encodeRecord(record as never)}\n`, { mode: 0o600 });
    expect(open().damaged()).toStrictEqual([1]);
    expect(open().known('room').size).toBe(0);
  });

  test('no change of a byte passes unnoticed', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    keys.accept('room', 'alice', TWO);
    keys.verify(TWO, true);
    const whole = readFileSync(file());
    fc.assert(
      fc.property(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at) ^ bits, at);
        writeFileSync(file(), bytes);
        expect(open().damaged()).not.toStrictEqual([]);
      }),
    );
  });
});
