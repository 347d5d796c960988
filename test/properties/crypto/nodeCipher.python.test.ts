import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { asFernetKey, type Token } from '../../../streams/client/envelope/cipher.js';
import { parseToken, formatToken } from '../../../src/crypto/fernet.js';
import { nodeBase64url } from '../../../src/crypto/nodeCipher.js';
import { engines, plaintextOf, describeOpened } from '../../support/fernet.js';
import { PYTHON, withPython } from '../../support/python.js';
import { type PythonFernet, startPythonFernet } from '../../support/pythonFernet.js';
import { codePoint } from '../../support/codePoint.js';

const test = withPython('no foreign implementation of Fernet was asked');

let python: PythonFernet;
beforeAll(() => {
  if (PYTHON !== undefined) python = startPythonFernet();
});
afterAll(async () => {
  if (PYTHON !== undefined) await python.end();
});

const someKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(asFernetKey);
const someText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: codePoint, maxLength: 64 }),
  fc.integer({ min: 0, max: 3000 }).map((length) => 'x'.repeat(length)),
);
// From 1 s: the fernet package takes 0 for now.
const someTime = fc.oneof(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 2 ** 33 }));
const runs = { numRuns: 60 };

describe.each(engines)('%s and python3 cryptography', (_name, cipher) => {
  test("decrypt each other's tokens for any text, time and key", async () => {
    await fc.assert(
      fc.asyncProperty(someKey, someText, someTime, async (key, text, time) => {
        expect(await python.open(key, cipher.seal(key, plaintextOf(text), time))).toStrictEqual({
          text,
          time,
        });
        const theirs = (await python.seal(key, text, time)) as Token;
        expect(describeOpened(cipher.open(key, theirs))).toBe(`text: ${text}`);
        expect(parseToken(theirs, nodeBase64url)?.time).toBe(time);
      }),
      runs,
    );
  });

  test('decrypt nothing with another key, and nothing modified', async () => {
    const change = fc.record({ at: fc.nat(), bit: fc.nat({ max: 7 }) });
    await fc.assert(
      fc.asyncProperty(someKey, someKey, someText, change, async (key, other, text, { at, bit }) => {
        fc.pre(!Buffer.from(key.subarray(0, 16)).equals(Buffer.from(other.subarray(0, 16))));
        const token = cipher.seal(key, plaintextOf(text), 60);
        const theirs = (await python.seal(other, text, 60)) as Token;
        expect(await python.open(other, token)).toStrictEqual({ error: 'InvalidToken' });
        expect(describeOpened(cipher.open(key, theirs))).toBe('wrong key or tampered');

        for (const [own, each] of [
          [key, token],
          [other, theirs],
        ] as const) {
          const bytes = Buffer.from(each, 'base64url');
          bytes[at % bytes.length]! ^= 1 << bit;
          const changed = formatToken(bytes, nodeBase64url) as Token;
          expect(await python.open(own, changed)).toStrictEqual({ error: 'InvalidToken' });
          expect(describeOpened(cipher.open(own, changed))).toMatch(/^(malformed|wrong key or tampered)$/);
        }
      }),
      runs,
    );
  });

  test('agree on which tokens are too old or from the future', async () => {
    const around = fc.integer({ min: -200, max: 200 });
    await fc.assert(
      fc.asyncProperty(someKey, around, fc.nat({ max: 120 }), async (key, distance, ttl) => {
        const now = 1_795_377_600;
        const token = cipher.seal(key, plaintextOf('x'), now + distance);
        const theirs = await python.open(key, token, { now, ttl });
        const ours = describeOpened(cipher.open(key, token, { now, ttl }));
        expect(ours).toMatch(/^(text: x|expired|from the future)$/);
        expect('text' in theirs).toBe(ours === 'text: x');
      }),
      runs,
    );
  });
});
