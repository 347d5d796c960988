import { describe, expect, test } from '@jest/globals';
import { map, of, pipe, throwError, concat } from 'rxjs';
import { encodeEnvelope } from '../../streams/client/envelope.js';
import { BATCH_LIMIT, isSayable, pack, PACK_LIMIT, unsayable } from '../../streams/client/pack.js';
import { ENVELOPE_LIMIT } from '../../streams/client/padding.js';
import { LimitError } from '../../streams/wire/errors.js';
import type { Lines } from '../../streams/wire/lines.js';
import { marbles } from '../support/marbles.js';
import { ALICE, envelope } from '../support/people.js';
import { batch } from '../support/wire.js';

const packed = (options?: { limit?: number }) =>
  pipe(
    pack(options),
    map(({ lines }) => lines.join('|')),
  );

/** All that comes of some batches, the error last. */
const packAll = (limit: number, ...batches: Lines[]): string[] => {
  const all: string[] = [];
  of(...batches)
    .pipe(packed({ limit }))
    .subscribe({ next: (said) => all.push(said), error: (error: unknown) => all.push(String(error)) });
  return all;
};

const line: Record<string, Lines> = {
  a: batch('a'),
  b: batch('b', 'c', 'd'),
  e: batch(''),
  f: batch('', 'f', '', '', 'g', ''),
};
const out = { a: 'a', b: 'b|c|d', f: 'f|g' };

describe('pack', () => {
  test('a quiet source speaks line by line, a busy one in batches', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('                   -a---b-a-|', line);
      expectObservable(line$.pipe(packed())).toBe('-a---b-a-|', out);
      expectSubscriptions(line$.subscriptions).toBe('^--------!');
    });
  });

  test('never, empty and error pass', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-', line).pipe(packed())).toBe('-');
      expectObservable(cold('--|', line).pipe(packed())).toBe('--|');
      expectObservable(cold('-a-#', line, 'gone').pipe(packed())).toBe('-a-#', out, 'gone');
    });
  });

  test('empty lines are skipped, and say nothing where there is nothing else', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-e-f-e|', line).pipe(packed())).toBe('---f--|', out);
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('-abab', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(packed()), unsub).toBe('-ab', out);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('one operator value serves two sources, each with its own line numbers', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = packed({ limit: 8 });
      const long = { ...line, x: batch('xxxxxxxxx') };
      const error = (n: number) => new LimitError(`line ${n} has 9 bytes, over the limit of 8 bytes`);
      expectObservable(cold('a-x', long).pipe(operator)).toBe('  a-#', out, error(2));
      expectObservable(cold('-x', long).pipe(operator)).toBe('   -#', out, error(1));
    });
  });

  test('bytes that are not UTF-8 become U+FFFD', () => {
    const bytes = new Uint8Array([0x61, 0xff, 0xe2, 0x82, 0x62, 10]);
    expect(packAll(100, { bytes, count: 1 })).toStrictEqual(['a\ufffd\ufffdb']);
  });

  test('a line is said as it is: spaces, carriage returns and a byte order mark stay', () => {
    expect(packAll(100, batch(' a ', 'b\r', '\ufeffc'))).toStrictEqual([' a |b\r|\ufeffc']);
  });
});

describe('the limit of a token', () => {
  // As JSON with its comma a line of three letters takes six bytes.
  test('splits a batch where the next line would pass it', () => {
    const lines = batch('aaa', 'bbb', 'ccc', 'ddd', 'eee');
    expect(packAll(30, lines)).toStrictEqual(['aaa|bbb|ccc|ddd|eee']);
    expect(packAll(29, lines)).toStrictEqual(['aaa|bbb|ccc|ddd', 'eee']);
    expect(packAll(12, lines)).toStrictEqual(['aaa|bbb', 'ccc|ddd', 'eee']);
    expect(packAll(11, lines)).toStrictEqual(['aaa', 'bbb', 'ccc', 'ddd', 'eee']);
  });

  test('counts what the text takes as JSON in UTF-8, not its letters', () => {
    expect(packAll(6, batch('€'))).toStrictEqual(['€']);
    expect(packAll(5, batch('€'))).toStrictEqual([
      'LimitError: line 1 has 3 bytes, 6 in a message, over the limit of 5 bytes',
    ]);
    expect(packAll(9, batch('\u0001'))).toStrictEqual(['\u0001']);
    expect(packAll(8, batch('\u0001'))).toStrictEqual([
      'LimitError: line 1 has 1 bytes, 9 in a message, over the limit of 8 bytes',
    ]);
  });

  test('a line too long for a token names its number, after what stood before it, and ends the source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-f-x-a', { ...line, x: batch('', 'g', 'xxxxxxxxx', 'h') });
      const error = new LimitError('line 9 has 9 bytes, 12 in a message, over the limit of 11 bytes');
      expectObservable(line$.pipe(packed({ limit: 11 }))).toBe('-f-(g#)', { ...out, g: 'g' }, error);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('splits a batch at 4096 lines, however short they are', () => {
    const sizesOf = (count: number) =>
      packAll(PACK_LIMIT, batch(...Array<string>(count).fill('x'))).map((said) => said.split('|').length);
    expect(sizesOf(4096)).toStrictEqual([4096]);
    expect(sizesOf(4097)).toStrictEqual([4096, 1]);
  });

  test('what has more lines, or none, cannot be said', () => {
    const lines = (count: number) => ({ lines: Array<string>(count).fill('x') });
    expect(unsayable(lines(4096))).toBeUndefined();
    expect(unsayable(lines(4097))).toStrictEqual(
      new LimitError('a message of 4097 lines is over the limit of 4096'),
    );
    expect(unsayable(lines(0))).toBeInstanceOf(TypeError);
  });

  test('an error right after a batch does not swallow it', () => {
    const said: string[] = [];
    concat(
      of(batch('a', 'b')),
      throwError(() => new Error('gone')),
    )
      .pipe(packed())
      .subscribe({ next: (each) => said.push(each), error: (error: Error) => said.push(error.message) });
    expect(said).toStrictEqual(['a|b', 'gone']);
  });

  test('what is packed fits an envelope, with the longest nick and the largest numbers', () => {
    const longest = 'x'.repeat(PACK_LIMIT - 3);
    expect(isSayable(longest)).toBe(true);
    expect(isSayable(`${longest}x`)).toBe(false);
    expect(packAll(PACK_LIMIT, batch(longest))).toStrictEqual([longest]);
    const largest = Number.MAX_SAFE_INTEGER;
    const widest = envelope({
      nick: '\u{1f600}'.repeat(32),
      counter: largest,
      time: largest,
      stored: largest - 1,
      seen: { log: 'x'.repeat(64), from: largest - 1, to: largest, hash: 'x'.repeat(43) },
    });
    expect(encodeEnvelope({ ...widest, lines: [longest] }, ALICE)).toHaveLength(ENVELOPE_LIMIT);

    // Several lines that fill a batch do not need the largest padding; one byte more would.
    const half = 'x'.repeat(BATCH_LIMIT / 2 - 3);
    expect(packAll(PACK_LIMIT, batch(half, half))).toStrictEqual([`${half}|${half}`]);
    expect(packAll(PACK_LIMIT, batch(half, `${half}x`))).toStrictEqual([half, `${half}x`]);
    expect(encodeEnvelope({ ...widest, lines: [half, half] }, ALICE)).toHaveLength(32_768);
  });
});
