import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDeviceKey, MAX_STATE_BYTES, stateFile } from '../../../src/group/stateFile.js';
import { IdentityError } from '../../../src/identity/privateFile.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const GROUP = 'A'.repeat(43);
const STATE = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);
const deviceKey = new Uint8Array(32).fill(7);
const file = (options: Partial<Parameters<typeof stateFile>[0]> = {}) =>
  stateFile({ dir: join(dir, 'state', 'rooms'), group: GROUP, deviceKey, ...options });

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const errorOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('a state file', () => {
  test('is missing at first, then has the last state, for its owner alone', () => {
    const states = file();
    expect(states.load()).toStrictEqual({ kind: 'missing' });
    states.save(Uint8Array.of(1));
    states.save(STATE);
    expect(file().load()).toStrictEqual({ kind: 'loaded', state: STATE });
    expect(modeOf(states.path)).toBe(0o600);
    expect(modeOf(join(dir, 'state', 'rooms'))).toBe(0o700);
    expect(readdirSync(join(dir, 'state', 'rooms'))).toHaveLength(1);
  });

  test('contains nothing of the state, and is different at each save', () => {
    const states = file();
    states.save(STATE);
    const first = readFileSync(states.path, 'utf8');
    states.save(STATE);
    const second = readFileSync(states.path, 'utf8');
    expect(second).not.toBe(first);
    for (const text of [first, second])
      expect(text).not.toContain(Buffer.from(STATE.subarray(0, 30)).toString('base64url'));
  });

  test('is damaged for another device and another group', () => {
    file().save(STATE);
    const { path } = file();
    expect(file({ deviceKey: new Uint8Array(32).fill(8) }).load()).toStrictEqual({ kind: 'damaged' });
    const other = file({ group: 'E'.repeat(43) });
    writeFileSync(other.path, readFileSync(path), { mode: 0o600 });
    expect(other.load()).toStrictEqual({ kind: 'damaged' });
  });

  test('33: is damaged when it is cut anywhere or any character is changed', () => {
    const states = file();
    states.save(STATE.subarray(0, 40));
    const text = readFileSync(states.path, 'utf8');
    for (let at = 0; at < text.length - 1; at += 1) {
      writeFileSync(states.path, text.slice(0, at));
      expect([at, states.load()]).toStrictEqual([at, { kind: 'damaged' }]);
      // The last character has two bits that encode nothing.
      if (at === text.length - 2) continue;
      const changed = text[at] === 'A' ? 'B' : 'A';
      writeFileSync(states.path, text.slice(0, at) + changed + text.slice(at + 1));
      expect([at, states.load()]).toStrictEqual([at, { kind: 'damaged' }]);
    }
    writeFileSync(states.path, text);
    expect(states.load().kind).toBe('loaded');
  });

  test('is refused when others can read it', () => {
    const states = file();
    states.save(STATE);
    chmodSync(states.path, 0o644);
    expect(errorOf(states.load)).toMatchObject({ name: 'IdentityError', code: 'open-to-others' });
  });

  test('33: keeps the last state when the next one cannot be saved', () => {
    const states = file();
    states.save(STATE);
    expect(errorOf(() => states.save(new Uint8Array(MAX_STATE_BYTES + 1)))).toBeInstanceOf(RangeError);
    expect(states.load()).toStrictEqual({ kind: 'loaded', state: STATE });
    // A file in the place of the directory fails for root too.
    const blocked = file({ dir: states.path });
    expect(errorOf(() => blocked.save(STATE))).toMatchObject({ name: 'IdentityError', code: 'unwritable' });
    expect(states.load()).toStrictEqual({ kind: 'loaded', state: STATE });
  });
});

describe('a device key', () => {
  test('is created once, random, for its owner alone', () => {
    const key = loadDeviceKey(join(dir, 'a'));
    expect(key).toHaveLength(32);
    expect(loadDeviceKey(join(dir, 'a'))).toStrictEqual(key);
    expect(loadDeviceKey(join(dir, 'b'))).not.toStrictEqual(key);
    expect(modeOf(join(dir, 'a', 'device.key'))).toBe(0o600);
  });

  test.each(['', 'short', `${'A'.repeat(42)}!`, 'A'.repeat(44)])(
    'is never replaced when it is damaged: %j',
    (text) => {
      const path = join(dir, 'device.key');
      writeFileSync(path, text, { mode: 0o600 });
      const error = errorOf(() => loadDeviceKey(dir));
      expect(error).toBeInstanceOf(IdentityError);
      expect((error as IdentityError).code).toBe('damaged');
      if (text !== '') expect((error as IdentityError).message).not.toContain(text);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );
});
