import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifySignature } from '../../../src/crypto/nodeVerify.js';
import { IdentityError } from '../../../src/identity/privateFile.js';
import { identityPath, openIdentity } from '../../../src/identity/openIdentity.js';
import type { RoomName } from '../../../streams/wire/index.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** Returns the thrown error, which must be an `IdentityError`. */
const complaint = (): IdentityError => {
  try {
    openIdentity(dir);
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
  throw new Error('no error');
};

describe('an identity', () => {
  test('is created at first use for its owner alone, and loaded afterwards', () => {
    const deep = join(dir, 'share', 'rxchat');
    const { key } = openIdentity(deep);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(openIdentity(deep).key).toBe(key);
    expect(modeOf(identityPath(deep))).toBe(0o600);
    expect([modeOf(deep), modeOf(join(dir, 'share'))]).toStrictEqual([0o700, 0o700]);
    // No temporary file is left.
    expect(readdirSync(deep)).toStrictEqual(['identity.pem']);
    expect(openIdentity(join(dir, 'other')).key).not.toBe(key);
  });

  test('signs so that its key verifies that message only', () => {
    const { key, sign } = openIdentity(dir);
    const message = Buffer.from('hello');
    expect(verifySignature(key as RoomName, message, sign(message))).toBe(true);
    expect(verifySignature(key as RoomName, Buffer.from('hallo'), sign(message))).toBe(false);
  });

  test.each([0o604, 0o640, 0o620, 0o602, 0o644, 0o610])(
    'is rejected when others can access its file (%o)',
    (mode) => {
      openIdentity(dir);
      const path = identityPath(dir);
      chmodSync(path, mode);
      const { code, message } = complaint();
      expect(code).toBe('open-to-others');
      expect(message).toBe(`${path} is open to others (mode 0${mode.toString(8)}): chmod 600 ${path}`);
      chmodSync(path, 0o600);
      openIdentity(dir);
    },
  );

  test('is rejected when others can replace its file', () => {
    openIdentity(dir);
    chmodSync(dir, 0o770);
    expect(complaint()).toMatchObject({
      code: 'open-to-others',
      message: `${dir} is open to others (mode 0770): chmod go-w ${dir}`,
    });
    chmodSync(dir, 0o755);
    openIdentity(dir);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  if (process.getuid?.() !== 0) console.warn('NOT TESTED: only root can give a file to somebody else');
  asRoot('is rejected when its file belongs to another user', () => {
    openIdentity(dir);
    chownSync(identityPath(dir), 12_345, 12_345);
    expect(complaint()).toMatchObject({
      code: 'not-yours',
      message: expect.stringMatching(/\(uid 12345\)$/),
    });
  });

  const pem = (type: 'rsa' | 'ed25519'): string =>
    (type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 1024 })
      : generateKeyPairSync('ed25519')
    ).privateKey
      .export({ format: 'pem', type: 'pkcs8' })
      .toString();
  test.each([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['a key of another kind', pem('rsa')],
    ['a private key alone', pem('ed25519')],
  ])('is rejected when its file contains %s, and the file stays unchanged', (_case, text) => {
    writeFileSync(identityPath(dir), text, { mode: 0o600 });
    const { code, message, hint } = complaint();
    expect([code, message]).toStrictEqual(['damaged', expect.stringContaining(identityPath(dir))]);
    expect(hint).toMatch(/backup/);
    expect(readFileSync(identityPath(dir), 'utf8')).toBe(text);
    expect(readdirSync(dir)).toStrictEqual(['identity.pem']);
  });

  test('is rejected when any character of its file changed, without printing its key', () => {
    openIdentity(dir);
    const path = identityPath(dir);
    const whole = readFileSync(path, 'utf8');
    const secret = createPrivateKey(whole).export({ format: 'jwk' }).d ?? '';
    expect(secret).toHaveLength(43);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.constantFrom('A', 'b', '/', '\n', ''), (at, character) => {
        fc.pre(whole[at] !== character);
        writeFileSync(path, whole.slice(0, at) + character + whole.slice(at + 1));
        const error = complaint();
        expect(error.code).toBe('damaged');
        expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`).not.toContain(
          secret.slice(0, 8),
        );
      }),
    );
  });

  test('reports why it cannot be saved', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => openIdentity(join(dir, 'file', 'rxchat'))).toThrow(
      /cannot write .*identity.pem: a part of the path/,
    );
  });
});
