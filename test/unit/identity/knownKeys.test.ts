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
import { IdentityError } from '../../../src/identity/privateFile.js';
import { formatKeyRecord } from '../../../src/identity/keyRecords.js';
import {
  PROTECTED_NICKS,
  MAX_KNOWN_NICKS,
  knownKeysPath,
  MAX_NICKS_PER_KEY,
  openKnownKeys,
} from '../../../src/identity/knownKeys.js';
import { createTransientNick } from '../../../src/identity/transientNick.js';
import { toBase64url } from '../../../streams/wire/index.js';
import { codePoint } from '../../support/codePoint.js';

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
const file = () => knownKeysPath(dir);
const open = () => openKnownKeys(dir, () => 0);

describe('known keys', () => {
  test('are saved by room and nick, in a file for their owner alone', () => {
    const keys = open();
    expect(keys.keysOf('room').size).toBe(0);
    expect(keys.remember('room', 'Alice', ONE)).toBe(ONE);
    expect(keys.remember('other', 'alice', TWO)).toBe(TWO);
    for (const each of [keys, open()]) {
      expect([...each.keysOf('room')]).toStrictEqual([['alice', ONE]]);
      expect([...each.keysOf('other')]).toStrictEqual([['alice', TWO]]);
      expect(each.damagedLines()).toStrictEqual([]);
    }
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readFileSync(file(), 'utf8')).toContain('"time":"1970-01-01T00:00:00.000Z"');
  });

  test('keep the first key of a nick, however the nick is spelled, until another key is accepted', () => {
    const keys = open();
    keys.remember('room', 'Alice', ONE);
    const before = readFileSync(file(), 'utf8');
    expect(keys.remember('room', 'alice', ONE)).toBe(ONE);
    expect(keys.remember('room', 'ＡLICE', TWO)).toBe(ONE);
    expect(readFileSync(file(), 'utf8')).toBe(before);
    keys.accept('room', 'ALICE', TWO);
    expect([keys, open()].map((each) => each.keysOf('room').get('alice'))).toStrictEqual([TWO, TWO]);
  });

  test('do not save transient nicks, except for an accepted key', () => {
    const keys = open();
    for (let i = 0; i < 10; i += 1)
      expect(keys.remember('room', createTransientNick('alice'), ONE)).toBe(ONE);
    expect(keys.keysOf('room').size).toBe(0);
    keys.accept('room', 'alice~a1b2c3d4', ONE);
    expect(keys.remember('room', 'Alice~a1b2c3d4', TWO)).toBe(ONE);
  });

  test('are verified by key, in every room', () => {
    const keys = open();
    expect(keys.isVerified(ONE)).toBe(false);
    keys.setVerified(ONE, true);
    expect([keys, open()].map((each) => each.isVerified(ONE))).toStrictEqual([true, true]);
    expect(keys.isVerified(TWO)).toBe(false);
    keys.setVerified(ONE, false);
    expect([keys, open()].map((each) => each.isVerified(ONE))).toStrictEqual([false, false]);
  });

  test('keep the first key when two processes see a nick with different keys', () => {
    const [first, second] = [open(), open()];
    expect(first.remember('room', 'alice', ONE)).toBe(ONE);
    expect(second.remember('room', 'alice', TWO)).toBe(ONE);
    expect(second.remember('room', 'bob', TWO)).toBe(TWO);
    expect(first.remember('room', 'bob', ONE)).toBe(TWO);
  });

  test('keep any nick unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (nick) => {
        rmSync(file(), { force: true });
        open().remember('room', nick, ONE);
        expect([...open().keysOf('room').values()]).toStrictEqual([ONE]);
        expect(open().remember('room', nick, TWO)).toBe(ONE);
      }),
      { numRuns: 30 },
    );
  });

  const keys32 = (n: number): string =>
    toBase64url(new Uint8Array(32).map((_, at) => (at === 0 ? 99 : at < 3 ? n >> (8 * (at - 1)) : 0)));

  test('keep at most the 20 newest nicks of a key, and the nicks of other keys', () => {
    const keys = open();
    keys.remember('room', 'bob', ONE);
    for (let n = 0; n < 300; n += 1) expect(keys.remember('room', `m${n}`, TWO)).toBe(TWO);
    keys.remember('room', 'carol', keyOf(3));
    for (const each of [keys, open()]) {
      expect(each.keysOf('room').size).toBe(MAX_NICKS_PER_KEY + 2);
      expect(each.remember('room', 'bob', TWO)).toBe(ONE);
      expect(each.remember('room', 'carol', TWO)).toBe(keyOf(3));
    }
    expect(keys.forgottenCount()).toBe(300 - MAX_NICKS_PER_KEY);
    expect(open().forgottenCount()).toBe(0);
  });

  test('keep at most 2000 nicks of a room, and evict the oldest unverified one after the first 1000', () => {
    const keys = open();
    keys.remember('room', 'bob', ONE);
    keys.setVerified(ONE, true);
    keys.remember('room', 'carol', TWO);
    for (let n = 0; n < MAX_KNOWN_NICKS; n += 1) keys.remember('room', `m${n}`, keys32(n));
    for (const each of [keys, open()]) {
      expect(each.keysOf('room').size).toBe(MAX_KNOWN_NICKS);
      expect(each.keysOf('room').get('bob')).toBe(ONE);
      expect(each.keysOf('room').get('carol')).toBe(TWO);
      expect(each.keysOf('room').has(`m${PROTECTED_NICKS - 2}`)).toBe(true);
      expect(each.keysOf('room').has(`m${PROTECTED_NICKS}`)).toBe(false);
      expect(each.keysOf('room').has(`m${MAX_KNOWN_NICKS - 1}`)).toBe(true);
    }
    expect(keys.forgottenCount()).toBe(2);
    expect(keys.remember('room', 'carol', ONE)).toBe(TWO);
  });

  test('keep all nicks of a verified key', () => {
    const keys = open();
    keys.setVerified(ONE, true);
    for (let n = 0; n < 3 * MAX_NICKS_PER_KEY; n += 1) keys.remember('room', `n${n}`, ONE);
    expect(keys.keysOf('room').size).toBe(3 * MAX_NICKS_PER_KEY);
  });

  test('read each byte of the file once, however many nicks are added', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    // A reader that read the line again would report damage.
    const bytes = readFileSync(file());
    bytes[20] = 0x21;
    writeFileSync(file(), bytes);
    for (let n = 0; n < 50; n += 1) keys.remember('room', `n${n}`, keys32(n));
    expect(keys.damagedLines()).toStrictEqual([]);
    expect(keys.keysOf('room').size).toBe(51);
    expect(open().damagedLines()).toStrictEqual([1]);
  });

  test('do not let strangers fill the disk, in one run or in many', () => {
    const flood = (run: number) =>
      Array.from({ length: 4500 }, (_, n) =>
        formatKeyRecord({ type: 'seen', time: '', room: 'room', nick: `m${run}-${n}`, key: keys32(n % 30) }),
      ).join('\n');
    for (let run = 0; run < 3; run += 1) {
      const keys = open();
      keys.setVerified(ONE, true);
      keys.setIgnored(TWO, true);
      appendFileSync(file(), `${flood(run)}\n`);
      keys.remember('room', `bob${run}`, ONE);
    }
    expect(statSync(file()).size).toBeLessThan(1_048_576);
    const keys = open();
    expect([keys.isVerified(ONE), keys.ignored().has(TWO)]).toStrictEqual([true, true]);
    expect(['bob0', 'bob1', 'bob2'].map((nick) => keys.keysOf('room').get(nick))).toStrictEqual([
      ONE,
      ONE,
      ONE,
    ]);
    expect(keys.damagedLines()).toStrictEqual([]);
  });

  test('keep what another process appends to a compacted file', () => {
    const first = open();
    const line = formatKeyRecord({ type: 'verified', time: '', key: TWO });
    first.setVerified(TWO, true);
    appendFileSync(file(), `${line}\n`.repeat(Math.ceil(1_048_576 / line.length)));
    const second = open();
    expect(statSync(file()).size).toBeLessThan(1000);
    first.remember('room', 'bob', ONE);
    expect(second.remember('room', 'bob', TWO)).toBe(ONE);
    expect(first.remember('room', 'carol', TWO)).toBe(TWO);
    expect(open().keysOf('room').get('carol')).toBe(TWO);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('are rejected when others can read the file', () => {
    open().remember('room', 'alice', ONE);
    chmodSync(file(), 0o640);
    expect(open).toThrow(/mode 0640\): chmod 600/);
  });
});

describe('a damaged file of known keys', () => {
  test('returns the numbers of its damaged lines, and the content of the others', () => {
    open().remember('room', 'alice', ONE);
    appendFileSync(file(), 'nonsense\n\n');
    open().remember('room', 'bob', TWO);
    const keys = open();
    expect(keys.damagedLines()).toStrictEqual([2]);
    expect([...keys.keysOf('room')]).toStrictEqual([
      ['alice', ONE],
      ['bob', TWO],
    ]);
  });

  test('keeps the line after a truncated line', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    const whole = readFileSync(file(), 'utf8');
    writeFileSync(file(), whole + whole.slice(0, 40));
    const after = open();
    expect(after.damagedLines()).toStrictEqual([2]);
    after.remember('room', 'bob', TWO);
    expect([...open().keysOf('room').keys()]).toStrictEqual(['alice', 'bob']);
    expect(open().damagedLines()).toStrictEqual([2]);
  });

  test.each([
    ['another type', { type: 'newer', time: '', room: 'room', nick: 'alice', key: ONE }],
    ['an invalid key', { type: 'seen', time: '', room: 'room', nick: 'alice', key: 'x' }],
    ['no nick', { type: 'seen', time: '', room: 'room', key: ONE }],
    ['no room', { type: 'accepted', time: '', nick: 'alice', key: ONE }],
  ])('reports a line with %s', (_case, record) => {
    writeFileSync(file(), `${formatKeyRecord(record as never)}\n`, { mode: 0o600 });
    expect(open().damagedLines()).toStrictEqual([1]);
    expect(open().keysOf('room').size).toBe(0);
  });

  test('reports every change of a byte', () => {
    const keys = open();
    keys.remember('room', 'alice', ONE);
    keys.accept('room', 'alice', TWO);
    keys.setVerified(TWO, true);
    const whole = readFileSync(file());
    fc.assert(
      fc.property(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at) ^ bits, at);
        writeFileSync(file(), bytes);
        expect(open().damagedLines()).not.toStrictEqual([]);
      }),
    );
  });
});

describe('known keys that cannot be written', () => {
  /** Makes writes fail as on a full disk. */
  const block = () => {
    rmSync(file(), { force: true });
    symlinkSync('/dev/full', file());
  };

  onLinux('are an error for who has not said what to do about it', () => {
    const keys = open();
    block();
    expect(() => keys.setVerified(ONE, true)).toThrow(
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
    keys.setVerified(TWO, true);
    keys.setIgnored(ONE, true);
    expect(keys.remember('room', 'bob', ONE)).toBe(TWO);
    expect([keys.isVerified(TWO), keys.ignored().has(ONE)]).toStrictEqual([true, true]);
    expect(failures).toStrictEqual(Array(3).fill(`cannot write ${file()}: no space left on device`));

    rmSync(file());
    writeFileSync(file(), before, { mode: 0o600 });
    keys.remember('room', 'carol', ONE);
    const next = open();
    expect([...next.keysOf('room')]).toStrictEqual([
      ['alice', ONE],
      ['bob', TWO],
      ['carol', ONE],
    ]);
    expect([next.isVerified(TWO), next.ignored().has(ONE)]).toStrictEqual([true, true]);
  });
});
