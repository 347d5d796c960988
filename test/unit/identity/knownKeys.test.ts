import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IdentityError } from '../../../src/identity/errors.js';
import { encodeRecord } from '../../../src/identity/keyRecord.js';
import {
  FIRST_MET,
  KNOWN_LIMIT,
  knownKeysFile,
  NICKS_PER_KEY,
  openKnownKeys,
} from '../../../src/identity/knownKeys.js';
import { transientNick } from '../../../src/identity/transientNick.js';
import { toBase64url } from '../../../streams/wire/index.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const onLinux = process.platform === 'linux' ? test : test.skip;
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

  const keys32 = (n: number): string =>
    toBase64url(new Uint8Array(32).map((_, at) => (at === 0 ? 99 : at < 3 ? n >> (8 * (at - 1)) : 0)));

  test('of one key are at most 20 nicks, the newest, however many it writes under; others stay known', () => {
    const keys = open();
    keys.remember('room', 'bob', ONE);
    for (let n = 0; n < 300; n += 1) expect(keys.remember('room', `m${n}`, TWO)).toBe(TWO);
    keys.remember('room', 'carol', keyOf(3));
    for (const each of [keys, open()]) {
      expect(each.known('room').size).toBe(NICKS_PER_KEY + 2);
      expect(each.remember('room', 'bob', TWO)).toBe(ONE);
      expect(each.remember('room', 'carol', TWO)).toBe(keyOf(3));
    }
    expect(keys.forgotten()).toBe(300 - NICKS_PER_KEY);
    expect(open().forgotten()).toBe(0);
  });

  test('of one room are at most 2000: after the first 1000 the oldest whose key was never verified make room', () => {
    const keys = open();
    keys.remember('room', 'bob', ONE);
    keys.verify(ONE, true);
    keys.remember('room', 'carol', TWO);
    for (let n = 0; n < KNOWN_LIMIT; n += 1) keys.remember('room', `m${n}`, keys32(n));
    for (const each of [keys, open()]) {
      expect(each.known('room').size).toBe(KNOWN_LIMIT);
      expect(each.known('room').get('bob')).toBe(ONE);
      expect(each.known('room').get('carol')).toBe(TWO);
      expect(each.known('room').has(`m${FIRST_MET - 2}`)).toBe(true);
      expect(each.known('room').has(`m${FIRST_MET}`)).toBe(false);
      expect(each.known('room').has(`m${KNOWN_LIMIT - 1}`)).toBe(true);
    }
    expect(keys.forgotten()).toBe(2);
    expect(keys.remember('room', 'carol', ONE)).toBe(TWO);
  });

  test('a verified key keeps all of its nicks', () => {
    const keys = open();
    keys.verify(ONE, true);
    for (let n = 0; n < 3 * NICKS_PER_KEY; n += 1) keys.remember('room', `n${n}`, ONE);
    expect(keys.known('room').size).toBe(3 * NICKS_PER_KEY);
  });

  test('each byte of the file is read once, however many are met', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    // Whoever read it again would find this.
    const bytes = readFileSync(file());
    bytes[20] = 0x21;
    writeFileSync(file(), bytes);
    for (let n = 0; n < 50; n += 1) keys.remember('room', `n${n}`, keys32(n));
    expect(keys.damaged()).toStrictEqual([]);
    expect(keys.known('room').size).toBe(51);
    expect(open().damaged()).toStrictEqual([1]);
  });

  test('strangers do not fill the disk, in one run or in many', () => {
    const flood = (run: number) =>
      Array.from({ length: 4500 }, (_, n) =>
        encodeRecord({ type: 'seen', time: '', room: 'room', nick: `m${run}-${n}`, key: keys32(n % 30) }),
      ).join('\n');
    for (let run = 0; run < 3; run += 1) {
      const keys = open();
      keys.verify(ONE, true);
      keys.ignore(TWO, true);
      appendFileSync(file(), `${flood(run)}\n`);
      keys.remember('room', `bob${run}`, ONE);
    }
    expect(statSync(file()).size).toBeLessThan(1_048_576);
    const keys = open();
    expect([keys.isVerified(ONE), keys.ignored().has(TWO)]).toStrictEqual([true, true]);
    expect(['bob0', 'bob1', 'bob2'].map((nick) => keys.known('room').get(nick))).toStrictEqual([
      ONE,
      ONE,
      ONE,
    ]);
    expect(keys.damaged()).toStrictEqual([]);
  });

  test('a file that was made smaller has what another process adds to it', () => {
    const first = open();
    const line = encodeRecord({ type: 'verified', time: '', key: TWO });
    first.verify(TWO, true);
    appendFileSync(file(), `${line}\n`.repeat(Math.ceil(1_048_576 / line.length)));
    const second = open();
    expect(statSync(file()).size).toBeLessThan(1000);
    first.remember('room', 'bob', ONE);
    expect(second.remember('room', 'bob', TWO)).toBe(ONE);
    expect(first.remember('room', 'carol', TWO)).toBe(TWO);
    expect(open().known('room').get('carol')).toBe(TWO);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
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

describe('known keys that cannot be written', () => {
  /** As on a full disk: what is at the place of the file takes no text. */
  const block = () => {
    rmSync(file(), { force: true });
    symlinkSync('/dev/full', file());
  };

  onLinux('are an error for who has not said what to do about it', () => {
    const keys = open();
    block();
    expect(() => keys.verify(ONE, true)).toThrow(
      new IdentityError('unwritable', `cannot write ${file()}: no space left on device`),
    );
  });

  onLinux('hold until the process ends, and are written once there is room', () => {
    const failures: string[] = [];
    const keys = openKnownKeys(
      dir,
      () => 0,
      ({ message }) => failures.push(message),
    );
    keys.remember('room', 'alice', ONE);
    const before = readFileSync(file(), 'utf8');
    block();
    expect(keys.remember('room', 'bob', TWO)).toBe(TWO);
    keys.verify(TWO, true);
    keys.ignore(ONE, true);
    expect(keys.remember('room', 'bob', ONE)).toBe(TWO);
    expect([keys.isVerified(TWO), keys.ignored().has(ONE)]).toStrictEqual([true, true]);
    expect(failures).toStrictEqual(Array(3).fill(`cannot write ${file()}: no space left on device`));

    rmSync(file());
    writeFileSync(file(), before, { mode: 0o600 });
    keys.remember('room', 'carol', ONE);
    const later = open();
    expect([...later.known('room')]).toStrictEqual([
      ['alice', ONE],
      ['bob', TWO],
      ['carol', ONE],
    ]);
    expect([later.isVerified(TWO), later.ignored().has(ONE)]).toStrictEqual([true, true]);
  });
});
