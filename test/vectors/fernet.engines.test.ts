import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Cipher, Plaintext, Token } from '../../streams/client/cipher.js';
import { asFernetKey } from '../../streams/client/keyring.js';
import { areTokens } from '../../streams/wire/entry.js';
import { encodeLine, encodeText } from '../../streams/wire/utf8.js';
import { nobleCipher } from '../../src/browser/nobleCipher.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { readToken } from '../../src/crypto/tokenShape.js';
import { engines, KEY, plain, told } from '../support/fernet.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(asFernetKey);
const text = fc.string({ unit: 'binary', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => all as Plaintext);
// From 1 s: the fernet package takes 0 for now. To the last time that a Date holds.
const time = fc.integer({ min: 1, max: 8.64e12 });

/** Every engine's tokens to every engine. */
const pairs = engines.flatMap(([from, sealer]) =>
  engines.map(([to, opener]) => ({ from, to, sealer, opener })),
);

describe('engines agree with each other', () => {
  // 3 000 a second at most by the fernet package.
  const numRuns = 200;

  test.each(pairs)('what $from seals $to opens, and no other key does', ({ sealer, opener }) => {
    fc.assert(
      fc.property(key, key, text, time, (one, other, said, when) => {
        // Only the first half signs: of two keys that share it the HMAC cannot tell one from the other.
        fc.pre(Buffer.compare(one.subarray(0, 16), other.subarray(0, 16)) !== 0);
        const plaintext = encodeText(said) as Plaintext;
        const token = sealer.seal(one, plaintext, when);
        const opened = opener.open(one, token);
        expect(typeof opened === 'string' ? opened : Buffer.from(opened)).toStrictEqual(
          Buffer.from(plaintext),
        );
        expect(opener.open(other, token)).toBe('wrong key or tampered');
        expect(readToken(token)?.time).toBe(when);
        // The relay knows a token by the zeros in front of its time.
        expect(areTokens(encodeLine(token))).toBe(when < 2 ** 42);
      }),
      { numRuns },
    );
  });

  test('about tokens that somebody changed', () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0x20, max: 0x7e }) });
    fc.assert(
      fc.property(text, fc.array(change, { minLength: 1, maxLength: 3 }), (said, changes) => {
        const token = nodeCipher().seal(KEY, plain(said), 60);
        const letters = Array.from(token);
        for (const { at, to } of changes) letters[at % letters.length] = String.fromCharCode(to);
        const changed = letters.join('') as Token;
        const [one, ...others] = engines.map(([, cipher]) => told(cipher.open(KEY, changed)));
        for (const other of others) expect(one).toBe(other);
        if (changed !== token) expect(['malformed', 'wrong key or tampered']).toContain(one);
      }),
      { numRuns },
    );
  });

  test('about anything at all', () => {
    const junk = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String({ maxLength: 300 }));
    fc.assert(
      fc.property(junk, (each) => {
        for (const [, cipher] of engines) expect(cipher.open(KEY, each as Token)).toBe('malformed');
      }),
      { numRuns },
    );
  });
});

test.each<[string, Cipher]>([
  ['node:crypto', nodeCipher()],
  ['noble', nobleCipher()],
])('%s carries any bytes, empty ones too', (_name, cipher) => {
  fc.assert(
    fc.property(key, bytes, time, (one, plaintext, when) => {
      const opened = cipher.open(one, cipher.seal(one, plaintext, when));
      expect(Buffer.from(opened as Uint8Array)).toStrictEqual(Buffer.from(plaintext));
    }),
  );
  expect(cipher.open(KEY, cipher.seal(KEY, plain(''), 0))).toHaveLength(0);
});

test.each(engines)('%s never uses an IV twice', (_name, cipher) => {
  const tokens = Array.from({ length: 50 }, () => cipher.seal(KEY, plain('x'), 60));
  const ivs = tokens.map((token) => readToken(token)?.iv.toString('hex'));
  expect(new Set(ivs).size).toBe(50);
});

test.each(engines)('%s seals the time 0 as it is', (_name, cipher) => {
  const token = Buffer.from(cipher.seal(KEY, plain('x'), 0), 'base64url');
  expect(token.readBigUInt64BE(1)).toBe(0n);
});

test.each(engines)('%s refuses to seal a time that is no number', (_name, cipher) => {
  for (const when of [NaN, Infinity, -Infinity]) expect(() => cipher.seal(KEY, plain('x'), when)).toThrow();
});

test('the fernet package leaves no trace in strings, neither by loading nor by sealing and opening', () => {
  for (const [, cipher] of engines)
    expect(told(cipher.open(KEY, cipher.seal(KEY, plain('x'), 0), { now: 0, ttl: 60 }))).toBe('text: x');
  const seen: string[] = [];
  const text: object = new String('ab');
  for (const name in text) seen.push(name);
  expect(seen).toStrictEqual(['0', '1']);
  expect('lpad' in String.prototype).toBe(false);
});
