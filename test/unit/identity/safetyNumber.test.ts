import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import { safetyNumber } from '../../../src/crypto/nodeKeys.js';
import { toBase64url } from '../../../streams/wire/index.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const few = { numRuns: 20 };
const range = (from: number) => Uint8Array.from({ length: 32 }, (_, at) => from + at);
const [ONE, TWO] = [range(0), range(32)];
const NUMBER = '17208 99233 59668 39604 01122 77966 58349 13422 53839 97315 84289 52774';

const numberOf = (one: Uint8Array, other: Uint8Array): string =>
  safetyNumber(toBase64url(one), toBase64url(other));

/** The same by another implementation, with the keys in hex. */
const PYTHON = `
import hashlib, sys
def half(key):
    digest = hashlib.sha512(b'rxchat/1 safety number\\n' + key).digest()
    for _ in range(5199):
        digest = hashlib.sha512(digest + key).digest()
    return ' '.join('%05d' % (int.from_bytes(digest[at:at + 5], 'big') % 100000) for at in range(0, 30, 5))
print(' '.join(sorted(half(bytes.fromhex(key)) for key in sys.argv[1:])), end='')
`;
const python = (...keys: readonly Uint8Array[]) =>
  spawnSync('python3', ['-c', PYTHON, ...keys.map((each) => Buffer.from(each).toString('hex'))], {
    encoding: 'utf8',
  });
const hasPython = spawnSync('python3', ['-c', '']).status === 0;
if (!hasPython) console.warn('NOT TESTED: there is no python3 here to compute safety numbers by');

describe('a safety number', () => {
  test('equals the one of the protocol, in any order of the keys', () => {
    expect(numberOf(ONE, TWO)).toBe(NUMBER);
    expect(numberOf(TWO, ONE)).toBe(NUMBER);
  });

  (hasPython ? test : test.skip)('is what Python makes of the same keys', () => {
    expect(python(ONE, TWO).stdout).toBe(NUMBER);
    fc.assert(
      fc.property(key, key, (one, other) => {
        expect(python(one, other).stdout).toBe(numberOf(one, other));
      }),
      { numRuns: 3 },
    );
  });

  test('has 12 groups of 5 digits, and is the same for both', () => {
    fc.assert(
      fc.property(key, key, (one, other) => {
        expect(numberOf(one, other)).toMatch(/^\d{5}( \d{5}){11}$/);
        expect(numberOf(other, one)).toBe(numberOf(one, other));
      }),
      few,
    );
  });

  test('differs when any bit of a key differs', () => {
    fc.assert(
      fc.property(key, key, fc.nat(255), (one, other, bit) => {
        const changed = one.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        expect(numberOf(changed, other)).not.toBe(numberOf(one, other));
        expect(numberOf(other, changed)).not.toBe(numberOf(other, one));
      }),
      few,
    );
  });

  test.each(['', 'x', 'A'.repeat(42), `${'A'.repeat(42)}B`])(
    'is rejected for an invalid key (%p)',
    (text) => {
      expect(() => safetyNumber(text, toBase64url(ONE))).toThrow(TypeError);
      expect(() => safetyNumber(toBase64url(ONE), text)).toThrow(TypeError);
    },
  );
});
