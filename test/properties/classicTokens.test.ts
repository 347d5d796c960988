import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TOKEN_LIMIT, tokenLength } from '../../streams/classic/tokenShape.js';
import { type Piece, type ScannerOptions, tokenScanner } from '../../streams/classic/tokenScanner.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { OTHER_KEY, proves, token, tokenOfBlocks } from '../support/classic/wire.js';
import { byteByByte, cutBytes } from '../support/cutting.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Pieces as text, texts that stand side by side joined: where a text is cut is not for the scanner to say. */
const joined = (pieces: readonly Piece[]): string[] =>
  pieces.reduce<string[]>((said, { type, bytes }) => {
    const last = said.at(-1);
    if (type === 'text' && last?.startsWith('text: ') === true) said[said.length - 1] = last + text(bytes);
    else said.push(`${type}: ${text(bytes)}`);
    return said;
  }, []);

/** What is found in chunks that are overwritten as soon as they were read. */
const scanned = (chunks: readonly Uint8Array[], options: ScannerOptions = {}): string[] => {
  const scanner = tokenScanner(options);
  const found = chunks.flatMap((chunk) => {
    const pooled = chunk.slice();
    const pieces = scanner.push(pooled);
    pooled.fill(65);
    return pieces;
  });
  return joined([...found, ...scanner.end()]);
};

/** Tokens of every length, with two, one and no `=` behind them. */
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
  cutBytes(fc.constant(encodeText(whole)));

describe('whatever the chunks', () => {
  test('tokens that follow each other are found without a key', () => {
    fc.assert(
      fc.property(
        someTokens.chain((tokens) => fc.tuple(fc.constant(tokens), cut(tokens.join('')))),
        ([tokens, [whole, chunks]]) => {
          const expected = tokens.map((each) => `token: ${each}`);
          expect(scanned(chunks)).toStrictEqual(expected);
          expect(scanned(byteByByte(whole))).toStrictEqual(expected);
        },
      ),
    );
  });

  test('tokens and what the server says are told apart with the key', () => {
    const parts = fc.array(
      fc.oneof(
        someToken.map((each) => ({ type: 'token', each })),
        someNotice.map((each) => ({ type: 'text', each })),
      ),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(
        parts.chain((said) => fc.tuple(fc.constant(said), cut(said.map(({ each }) => each).join('')))),
        ([said, [whole, chunks]]) => {
          const expected = joined(said.map(({ type, each }) => ({ type, bytes: encodeText(each) }) as Piece));
          expect(scanned(chunks, { proves })).toStrictEqual(expected);
          expect(scanned(byteByByte(whole), { proves })).toStrictEqual(expected);
        },
      ),
    );
  });

  test('a token under another key takes none of its neighbours along', () => {
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
          expect(scanned(chunks, { proves })).toStrictEqual([
            ...before.map((each) => `token: ${each}`),
            `unproven: ${foreign}`,
            ...after.map((each) => `token: ${each}`),
          ]);
        },
      ),
    );
  });

  test('any bytes come out as they came in', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .array(fc.constantFrom('gAAAAA', '=', 'A', 'x', ' ', token('y'), tokenOfBlocks(3)), { maxLength: 30 })
        .map((parts) => encodeText(parts.join(''))),
    );
    fc.assert(
      fc.property(cutBytes(bytes), ([whole, chunks]) => {
        for (const options of [{}, { proves }]) {
          const scanner = tokenScanner(options);
          const pieces = [...chunks.flatMap((chunk) => scanner.push(chunk)), ...scanner.end()];
          expect(Buffer.concat(pieces.map((piece) => piece.bytes)).equals(whole)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('after a silence', () => {
  test('at any place, nothing is lost: what went on after all is told again, whole', () => {
    fc.assert(
      fc.property(
        fc
          .array(someToken, { minLength: 1, maxLength: 4 })
          .chain((tokens) => fc.tuple(fc.constant(tokens), cut(tokens.join('')))),
        ([tokens, [, chunks]]) => {
          for (const options of [{}, { proves }]) {
            const scanner = tokenScanner(options);
            const pieces = chunks.flatMap((chunk) => [...scanner.push(chunk), ...scanner.settle()]);
            const found = [...pieces, ...scanner.end()].map(({ bytes }) => text(bytes));
            for (const each of tokens)
              expect(found.filter((piece) => piece === each).length).toBeGreaterThan(0);
            if ('proves' in options) expect(found).toStrictEqual(tokens);
          }
        },
      ),
    );
  });

  test.each([
    ['without padding', tokenOfBlocks(3)],
    ['with padding, at once', tokenOfBlocks(2)],
  ])('a token %s is whole', (_, each) => {
    const scanner = tokenScanner();
    expect(joined([...scanner.push(encodeText(each)), ...scanner.settle()])).toStrictEqual([
      `token: ${each}`,
    ]);
    expect(scanner.isOpen).toBe(false);
    expect(scanner.settle()).toStrictEqual([]);
    const next = token('next');
    expect(joined(scanner.push(encodeText(next)))).toStrictEqual([`token: ${next}`]);
  });
});

describe('its limits', () => {
  test('a token of 1 MiB passes, in chunks of a socket, and one beyond it is an error', () => {
    const long = token('x'.repeat(1_048_576));
    expect(long.length).toBe(tokenLength(1_048_576));
    const bytes = encodeText(long);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, n) =>
      bytes.subarray(n * 65_536, (n + 1) * 65_536),
    );
    expect(scanned(chunks)).toStrictEqual([`token: ${long}`]);
    expect(scanned(chunks, { proves })).toStrictEqual([`token: ${long}`]);

    const endless = encodeText(`gAAAAA${'x'.repeat(TOKEN_LIMIT)}`);
    const scanner = tokenScanner();
    expect(joined(scanner.push(encodeText(`${token('x')}${text(endless)}`)))).toStrictEqual([
      expect.stringMatching(/^token: /),
    ]);
    expect(scanner.failure?.message).toBe(`a token is longer than ${TOKEN_LIMIT} characters`);
    expect(scanner.push(endless)).toStrictEqual([]);
  });

  test('many marks, and texts without an end, cost their length and hold little', () => {
    for (const part of ['gAAAAA', 'gAAAA', 'x', 'gAAAAA'.padEnd(140, 'x')]) {
      const bytes = encodeText(part.repeat(Math.ceil(2_000_000 / part.length)));
      let told = 0;
      const scanner = tokenScanner({
        proves: (each) => {
          told += each.length;
          return false;
        },
      });
      for (let from = 0; from < bytes.length; from += 50_000)
        scanner.push(bytes.subarray(from, from + 50_000));
      expect(told).toBeLessThan(40 * bytes.length);
    }
  });
});
