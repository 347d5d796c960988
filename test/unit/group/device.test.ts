import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import { deviceLabel, devicePath, loadDevice } from '../../../src/group/device.js';
import { openIdentity } from '../../../src/identity/openIdentity.js';
import { parseCredential } from '../../../streams/client/group/credential.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const { ed25519 } = nodeSuite();

describe('the device of a directory', () => {
  test('has a key of its own, which the identity certifies with the label', () => {
    const identity = openIdentity(join(dir, 'data'));
    const device = loadDevice(join(dir, 'state'), identity, 'laptop');
    expect(parseCredential(device.credential, device.publicKey, ed25519)).toStrictEqual({
      identity: identity.key,
      device: toBase64url(device.publicKey),
      label: 'laptop',
    });
    expect(toBase64url(device.publicKey)).not.toBe(identity.key);
    const message = Uint8Array.of(1, 2, 3);
    expect(ed25519.verify(device.publicKey, message, device.sign(message))).toBe(true);
  });

  test('is the same each time, and another one in another directory', () => {
    const identity = openIdentity(join(dir, 'data'));
    const first = loadDevice(join(dir, 'one'), identity);
    const again = loadDevice(join(dir, 'one'), identity);
    expect([again.publicKey, again.credential]).toStrictEqual([first.publicKey, first.credential]);
    expect(loadDevice(join(dir, 'two'), identity).publicKey).not.toStrictEqual(first.publicKey);
    expect(parseCredential(first.credential, first.publicKey, ed25519)?.label).toBe(deviceLabel(hostname()));
    expect(statSync(devicePath(join(dir, 'one'))).mode & 0o777).toBe(0o600);
  });

  test('is refused when its key is damaged anywhere, and the file stays', () => {
    const identity = openIdentity(join(dir, 'data'));
    loadDevice(dir, identity);
    const path = devicePath(dir);
    const text = readFileSync(path, 'utf8');
    const cuts = Array.from({ length: text.length }, (_, at) => text.slice(0, at));
    const changes = Array.from(
      { length: text.length },
      (_, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1),
    );
    for (const damaged of [...cuts, ...changes, `${text}x`]) {
      writeFileSync(path, damaged);
      let error: unknown;
      try {
        loadDevice(dir, identity);
      } catch (thrown) {
        error = thrown;
      }
      expect([damaged, error]).toStrictEqual([
        damaged,
        expect.objectContaining({ name: 'IdentityError', code: 'damaged' }),
      ]);
      expect(String(error)).not.toContain(text.slice(0, 20));
      expect(readFileSync(path, 'utf8')).toBe(damaged);
    }
  });
});

describe('the label of a device', () => {
  test.each([
    ['laptop', 'laptop'],
    [' my laptop\n', 'my laptop'],
    ['a\u001b[31mb\u202e\u200bc', 'a[31mbc'],
    ['', 'device'],
    ['\u0000\u200b ', 'device'],
    ['x'.repeat(70), 'x'.repeat(64)],
    ['\u00fc'.repeat(40), '\u00fc'.repeat(32)],
    ['x'.repeat(63) + '\u00fc', 'x'.repeat(63)],
    ['\ud800laptop', 'laptop'],
  ])('of %j is %j', (text, label) => {
    expect(deviceLabel(text)).toBe(label);
  });

  test('has 1 to 64 bytes for any text, and is its own label', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const label = deviceLabel(text);
        expect(Buffer.byteLength(label)).toBeGreaterThan(0);
        expect(Buffer.byteLength(label)).toBeLessThanOrEqual(64);
        expect(deviceLabel(label)).toBe(label);
      }),
    );
  });
});
