import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  asFernetKey,
  type Cipher,
  type Plaintext,
  type Token,
} from '../../streams/client/envelope/cipher.js';
import { isTokenBatch } from '../../streams/wire/entry.js';
import { encodeLine, encodeText } from '../../streams/wire/encoding.js';
import { nobleCipher } from '../../src/browser/nobleCipher.js';
import { nodeBase64url, nodeCipher } from '../../src/crypto/nodeCipher.js';
import { formatToken, parseToken } from '../../src/crypto/fernet.js';
import { engines, KEY, plaintextOf, describeOpened } from '../support/fernet.js';
import { codePoint } from '../support/codePoint.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(asFernetKey);
const text = fc.string({ unit: codePoint, maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => all as Plaintext);
// From 1 s, because the fernet package treats 0 as now; up to the last time of a Date.
const time = fc.integer({ min: 1, max: 8.64e12 });

/** Pairs each engine's tokens with each engine. */
const pairs = engines.flatMap(([from, sealer]) =>
  engines.map(([to, opener]) => ({ from, to, sealer, opener })),
);

describe('engines agree with each other', () => {
  // The fernet package processes at most 3000 per second.
  const numRuns = 200;

  test.each(pairs)('what $from seals $to opens, and no other key does', ({ sealer, opener }) => {
    fc.assert(
      fc.property(key, key, text, time, (one, other, sent, when) => {
        // Only the first half of a key signs, so the HMAC cannot distinguish keys that share it.
        fc.pre(Buffer.compare(one.subarray(0, 16), other.subarray(0, 16)) !== 0);
        const plaintext = encodeText(sent) as Plaintext;
        const token = sealer.seal(one, plaintext, when);
        const opened = opener.open(one, token);
        expect(typeof opened === 'string' ? opened : Buffer.from(opened)).toStrictEqual(
          Buffer.from(plaintext),
        );
        expect(opener.open(other, token)).toBe('wrong key or tampered');
        expect(parseToken(token, nodeBase64url)?.time).toBe(when);
        // The relay recognises a token by the leading zeros of its time.
        expect(isTokenBatch(encodeLine(token))).toBe(when < 2 ** 42);
      }),
      { numRuns },
    );
  });

  test('about tokens that somebody changed', () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0x20, max: 0x7e }) });
    fc.assert(
      fc.property(text, fc.array(change, { minLength: 1, maxLength: 3 }), (sent, changes) => {
        const token = nodeCipher().seal(KEY, plaintextOf(sent), 60);
        const letters = Array.from(token);
        for (const { at, to } of changes) letters[at % letters.length] = String.fromCharCode(to);
        const changed = letters.join('') as Token;
        const [one, ...others] = engines.map(([, cipher]) => describeOpened(cipher.open(KEY, changed)));
        for (const other of others) expect(one).toBe(other);
        if (changed !== token) expect(['malformed', 'wrong key or tampered']).toContain(one);
      }),
      { numRuns },
    );
  });

  test('about anything at all', () => {
    const junk = fc.oneof(fc.string({ unit: codePoint }), fc.base64String({ maxLength: 300 }));
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
  expect(cipher.open(KEY, cipher.seal(KEY, plaintextOf(''), 0))).toHaveLength(0);
});

test.each<[string, Cipher]>([
  ['node:crypto', nodeCipher()],
  ['noble', nobleCipher()],
])('%s has the same tokens as bytes, and rejects the same of them', (_name, cipher) => {
  const toText = (token: Uint8Array) => formatToken(token, nodeBase64url) as Token;
  fc.assert(
    fc.property(key, bytes, time, fc.nat(), fc.nat(255), (one, plaintext, when, at, byte) => {
      const token = cipher.sealBytes!(one, plaintext, when);
      expect(toText(token)).toHaveLength(cipher.seal(one, plaintext, when).length);
      expect(parseToken(toText(token), nodeBase64url)?.time).toBe(when);
      const changed = token.with(at % token.length, byte);
      for (const each of [token, changed, token.subarray(0, at % token.length)])
        for (const window of [undefined, { now: 0, ttl: 60 }])
          expect(cipher.openBytes!(one, each, window)).toStrictEqual(cipher.open(one, toText(each), window));
    }),
  );
});

test.each(engines)('%s never uses an IV twice', (_name, cipher) => {
  const tokens = Array.from({ length: 50 }, () => cipher.seal(KEY, plaintextOf('x'), 60));
  const ivs = tokens.map((token) => parseToken(token, nodeBase64url)?.iv.toString());
  expect(new Set(ivs).size).toBe(50);
});

test.each(engines)('%s seals the time 0 as it is', (_name, cipher) => {
  const token = Buffer.from(cipher.seal(KEY, plaintextOf('x'), 0), 'base64url');
  expect(token.readBigUInt64BE(1)).toBe(0n);
});

test.each(engines)('%s refuses to seal a time that is no number', (_name, cipher) => {
  for (const when of [NaN, Infinity, -Infinity])
    expect(() => cipher.seal(KEY, plaintextOf('x'), when)).toThrow();
});

test('the fernet package leaves no trace in strings, neither by loading nor by sealing and opening', () => {
  for (const [, cipher] of engines)
    expect(describeOpened(cipher.open(KEY, cipher.seal(KEY, plaintextOf('x'), 0), { now: 0, ttl: 60 }))).toBe(
      'text: x',
    );
  const seen: string[] = [];
  const text: object = new String('ab');
  for (const name in text) seen.push(name);
  expect(seen).toStrictEqual(['0', '1']);
  expect('lpad' in String.prototype).toBe(false);
});
