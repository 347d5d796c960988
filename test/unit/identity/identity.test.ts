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
import { verifyProof } from '../../../src/crypto/verifyProof.js';
import { IdentityError } from '../../../src/identity/errors.js';
import { identityFile, openIdentity } from '../../../src/identity/identity.js';
import type { RoomName } from '../../../streams/wire/index.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** What was thrown, which has to be an `IdentityError`. */
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
  test('is made at first use, for its owner alone, and is the same ever after', () => {
    const deep = join(dir, 'share', 'rxchat');
    const { key } = openIdentity(deep);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(openIdentity(deep).key).toBe(key);
    expect(modeOf(identityFile(deep))).toBe(0o600);
    expect([modeOf(deep), modeOf(join(dir, 'share'))]).toStrictEqual([0o700, 0o700]);
    // Nothing that was written on the way is left.
    expect(readdirSync(deep)).toStrictEqual(['identity.pem']);
    expect(openIdentity(join(dir, 'other')).key).not.toBe(key);
  });

  test('signs so that its key verifies it, that message alone', () => {
    const { key, sign } = openIdentity(dir);
    const message = Buffer.from('hello');
    expect(verifyProof(key as RoomName, message, sign(message))).toBe(true);
    expect(verifyProof(key as RoomName, Buffer.from('hallo'), sign(message))).toBe(false);
  });

  test.each([0o604, 0o640, 0o620, 0o602, 0o644, 0o610])(
    'is refused where others can use its file (%o)',
    (mode) => {
      openIdentity(dir);
      const path = identityFile(dir);
      chmodSync(path, mode);
      const { code, message } = complaint();
      expect(code).toBe('open-to-others');
      expect(message).toBe(`${path} is open to others (mode 0${mode.toString(8)}): chmod 600 ${path}`);
      chmodSync(path, 0o600);
      openIdentity(dir);
    },
  );

  test('is refused where others can put another file in its place', () => {
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
  asRoot('is refused where its file belongs to somebody else', () => {
    openIdentity(dir);
    chownSync(identityFile(dir), 12_345, 12_345);
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
  ])('is refused where its file has %s in it, which stays', (_case, text) => {
    writeFileSync(identityFile(dir), text, { mode: 0o600 });
    const { code, message, hint } = complaint();
    expect([code, message]).toStrictEqual(['damaged', expect.stringContaining(identityFile(dir))]);
    expect(hint).toMatch(/backup/);
    expect(readFileSync(identityFile(dir), 'utf8')).toBe(text);
    expect(readdirSync(dir)).toStrictEqual(['identity.pem']);
  });

  test('is refused where any character of its file is another one, without a word of its key', () => {
    openIdentity(dir);
    const path = identityFile(dir);
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

  test('that cannot be kept says why', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => openIdentity(join(dir, 'file', 'rxchat'))).toThrow(
      /cannot write .*identity.pem: a part of the path/,
    );
  });
});
