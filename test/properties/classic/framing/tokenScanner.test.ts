import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_TOKEN_LENGTH, tokenLength } from '../../../../streams/classic/framing/tokenShape.js';
import {
  type Frame,
  type ScannerOptions,
  tokenScanner,
} from '../../../../streams/classic/framing/tokenScanner.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { OTHER_KEY, isAuthentic, token, tokenOfBlocks } from '../../../support/classic/wire.js';
import { singleBytes, chunkedBytes } from '../../../support/chunks.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Pieces as text, with adjacent texts joined: the scanner may cut a text anywhere. */
const joined = (chunks: readonly Frame[]): string[] =>
  chunks.reduce<string[]>((sent, { type, bytes }) => {
    const last = sent.at(-1);
    if (type === 'text' && last?.startsWith('text: ') === true) sent[sent.length - 1] = last + text(bytes);
    else sent.push(`${type}: ${text(bytes)}`);
    return sent;
  }, []);

/** Returns what is found in chunks that are overwritten after each read. */
const scanned = (chunks: readonly Uint8Array[], options: ScannerOptions = {}): string[] => {
  const scanner = tokenScanner(options);
  const found = chunks.flatMap((chunk) => {
    const pooled = chunk.slice();
    const chunks = scanner.push(pooled);
    pooled.fill(65);
    return chunks;
  });
  return joined([...found, ...scanner.end()]);
};

/** Tokens of every length, with two, one and no trailing `=`. */
const someToken = fc
  .record({ blocks: fc.integer({ min: 1, max: 12 }), character: fc.constantFrom('a', 'é', '🙂') })
  .map(({ blocks, character }) => token(character.repeat(blocks * 4)));
const someTokens = fc.array(someToken, { maxLength: 8 });
const someNick = fc.constantFrom('alice', 'José', 'gA', 'éa', 'gAAAAAgA', 'a b', 'x_-9=', '日本');
const someNotice = fc.oneof(
  someNick.map((nick) => `${nick} joined the chat.`),
  someNick.map((nick) => `${nick} left the chat.`),
  fc.constant('Connected to the server.'),
);
const cut = (whole: string): fc.Arbitrary<[Uint8Array, Uint8Array[]]> =>
  chunkedBytes(fc.constant(encodeText(whole)));

describe('with any chunks', () => {
  test('tokenScanner finds consecutive tokens without a key', () => {
    fc.assert(
      fc.property(
        someTokens.chain((tokens) => fc.tuple(fc.constant(tokens), cut(tokens.join('')))),
        ([tokens, [whole, chunks]]) => {
          const expected = tokens.map((each) => `token: ${each}`);
          expect(scanned(chunks)).toStrictEqual(expected);
          expect(scanned(singleBytes(whole))).toStrictEqual(expected);
        },
      ),
    );
  });

  test('tokenScanner separates tokens and notices with the key', () => {
    const parts = fc.array(
      fc.oneof(
        someToken.map((each) => ({ type: 'token', each })),
        someNotice.map((each) => ({ type: 'text', each })),
      ),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(
        parts.chain((sent) => fc.tuple(fc.constant(sent), cut(sent.map(({ each }) => each).join('')))),
        ([sent, [whole, chunks]]) => {
          const expected = joined(sent.map(({ type, each }) => ({ type, bytes: encodeText(each) }) as Frame));
          expect(scanned(chunks, { isAuthentic })).toStrictEqual(expected);
          expect(scanned(singleBytes(whole), { isAuthentic })).toStrictEqual(expected);
        },
      ),
    );
  });

  test('tokenScanner finds the tokens next to one under another key', () => {
    fc.assert(
      fc.property(
        fc
          .tuple(
            someTokens,
            fc.integer({ min: 1, max: 7 }),
            fc.array(someToken, { minLength: 1, maxLength: 4 }),
          )
          .chain(([before, blocks, after]) => {
            const foreign = tokenOfBlocks(blocks, OTHER_KEY);
            return fc.tuple(
              fc.constant({ before, foreign, after }),
              cut([...before, foreign, ...after].join('')),
            );
          }),
        ([{ before, foreign, after }, [, chunks]]) => {
          expect(scanned(chunks, { isAuthentic })).toStrictEqual([
            ...before.map((each) => `token: ${each}`),
            `unauthenticated: ${foreign}`,
            ...after.map((each) => `token: ${each}`),
          ]);
        },
      ),
    );
  });

  test('tokenScanner emits all bytes unchanged', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .array(fc.constantFrom('gAAAAA', '=', 'A', 'x', ' ', token('y'), tokenOfBlocks(3)), { maxLength: 30 })
        .map((parts) => encodeText(parts.join(''))),
    );
    fc.assert(
      fc.property(chunkedBytes(bytes), ([whole, chunks]) => {
        for (const options of [{}, { isAuthentic }]) {
          const scanner = tokenScanner(options);
          const parts = [...chunks.flatMap((chunk) => scanner.push(chunk)), ...scanner.end()];
          expect(Buffer.concat(parts.map((chunk) => chunk.bytes)).equals(whole)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('after a pause', () => {
  test('tokenScanner loses nothing by a pause: a token that continues is emitted again', () => {
    fc.assert(
      fc.property(
        fc
          .array(someToken, { minLength: 1, maxLength: 4 })
          .chain((tokens) => fc.tuple(fc.constant(tokens), cut(tokens.join('')))),
        ([tokens, [, chunks]]) => {
          for (const options of [{}, { isAuthentic }]) {
            const scanner = tokenScanner(options);
            const parts = chunks.flatMap((chunk) => [...scanner.push(chunk), ...scanner.flush()]);
            const found = [...parts, ...scanner.end()].map(({ bytes }) => text(bytes));
            for (const each of tokens)
              expect(found.filter((chunk) => chunk === each).length).toBeGreaterThan(0);
            if ('proves' in options) expect(found).toStrictEqual(tokens);
          }
        },
      ),
    );
  });

  test.each([
    ['without padding', tokenOfBlocks(3)],
    ['with padding, immediately', tokenOfBlocks(2)],
  ])('tokenScanner emits a token %s after a pause', (_, each) => {
    const scanner = tokenScanner();
    expect(joined([...scanner.push(encodeText(each)), ...scanner.flush()])).toStrictEqual([`token: ${each}`]);
    expect(scanner.hasPending).toBe(false);
    expect(scanner.flush()).toStrictEqual([]);
    const next = token('next');
    expect(joined(scanner.push(encodeText(next)))).toStrictEqual([`token: ${next}`]);
  });
});

describe('the limits of tokenScanner', () => {
  test('tokenScanner accepts a token of 1 MiB, and errors beyond it', () => {
    const long = token('x'.repeat(1_048_576));
    expect(long.length).toBe(tokenLength(1_048_576));
    const bytes = encodeText(long);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, n) =>
      bytes.subarray(n * 65_536, (n + 1) * 65_536),
    );
    expect(scanned(chunks)).toStrictEqual([`token: ${long}`]);
    expect(scanned(chunks, { isAuthentic })).toStrictEqual([`token: ${long}`]);

    const endless = encodeText(`gAAAAA${'x'.repeat(MAX_TOKEN_LENGTH)}`);
    const scanner = tokenScanner();
    expect(joined(scanner.push(encodeText(`${token('x')}${text(endless)}`)))).toStrictEqual([
      expect.stringMatching(/^token: /),
    ]);
    expect(scanner.error?.message).toBe(`a token is longer than ${MAX_TOKEN_LENGTH} characters`);
    expect(scanner.push(endless)).toStrictEqual([]);
  });

  test('tokenScanner takes linear time and little memory for many prefixes and endless texts', () => {
    for (const part of ['gAAAAA', 'gAAAA', 'x', 'gAAAAA'.padEnd(140, 'x')]) {
      const bytes = encodeText(part.repeat(Math.ceil(2_000_000 / part.length)));
      let reported = 0;
      const scanner = tokenScanner({
        isAuthentic: (each) => {
          reported += each.length;
          return false;
        },
      });
      for (let from = 0; from < bytes.length; from += 50_000)
        scanner.push(bytes.subarray(from, from + 50_000));
      expect(reported).toBeLessThan(40 * bytes.length);
    }
  });
});
