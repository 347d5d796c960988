import { describe, expect, test } from '@jest/globals';
import { map, of, pipe, throwError, concat } from 'rxjs';
import { encodeEnvelope, MAX_ENVELOPE_BYTES } from '../../../../streams/client/envelope/envelope.js';
import {
  MAX_BATCH_BYTES,
  fitsInMessage,
  batchLines,
  MAX_MESSAGE_BYTES,
  checkMessage,
} from '../../../../streams/client/send/batchLines.js';
import { LimitError } from '../../../../streams/wire/errors.js';
import type { Lines } from '../../../../streams/wire/lines.js';
import { marbles } from '../../../support/marbles.js';
import { ALICE, envelope } from '../../../support/envelopes.js';
import { batch } from '../../../support/wire.js';

const packed = (options?: { limitBytes?: number }) =>
  pipe(
    batchLines(options),
    map(({ lines }) => lines.join('|')),
  );

/** Returns all lines of some batches, and the error last. */
const packAll = (limit: number, ...batches: Lines[]): string[] => {
  const all: string[] = [];
  of(...batches)
    .pipe(packed({ limitBytes: limit }))
    .subscribe({ next: (sent) => all.push(sent), error: (error: unknown) => all.push(String(error)) });
  return all;
};

const line: Record<string, Lines> = {
  a: batch('a'),
  b: batch('b', 'c', 'd'),
  e: batch(''),
  f: batch('', 'f', '', '', 'g', ''),
};
const out = { a: 'a', b: 'b|c|d', f: 'f|g' };

describe('batchLines', () => {
  test('batchLines emits single lines of a slow source and batches of a fast one', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('                   -a---b-a-|', line);
      expectObservable(line$.pipe(packed())).toBe('-a---b-a-|', out);
      expectSubscriptions(line$.subscriptions).toBe('^--------!');
    });
  });

  test('batchLines never completes, completes and errors with its source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-', line).pipe(packed())).toBe('-');
      expectObservable(cold('--|', line).pipe(packed())).toBe('--|');
      expectObservable(cold('-a-#', line, 'gone').pipe(packed())).toBe('-a-#', out, 'gone');
    });
  });

  test('batchLines skips empty lines', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-e-f-e|', line).pipe(packed())).toBe('---f--|', out);
    });
  });

  test('unsubscribing batchLines releases its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('-abab', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(packed()), unsub).toBe('-ab', out);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('one batchLines operator serves two sources with line numbers of their own', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = packed({ limitBytes: 8 });
      const long = { ...line, x: batch('xxxxxxxxx') };
      const error = (n: number) => new LimitError(`line ${n} has 9 bytes, over the limit of 8 bytes`);
      expectObservable(cold('a-x', long).pipe(operator)).toBe('  a-#', out, error(2));
      expectObservable(cold('-x', long).pipe(operator)).toBe('   -#', out, error(1));
    });
  });

  test('batchLines replaces bytes that are not UTF-8 by U+FFFD', () => {
    const bytes = new Uint8Array([0x61, 0xff, 0xe2, 0x82, 0x62, 10]);
    expect(packAll(100, { bytes, count: 1 })).toStrictEqual(['a\ufffd\ufffdb']);
  });

  test('batchLines keeps spaces, carriage returns and a byte order mark', () => {
    expect(packAll(100, batch(' a ', 'b\r', '\ufeffc'))).toStrictEqual([' a |b\r|\ufeffc']);
  });
});

describe('the limit of a message', () => {
  // A line of three letters takes six bytes as JSON with its comma.
  test('batchLines splits a batch when the next line exceeds the limit', () => {
    const lines = batch('aaa', 'bbb', 'ccc', 'ddd', 'eee');
    expect(packAll(30, lines)).toStrictEqual(['aaa|bbb|ccc|ddd|eee']);
    expect(packAll(29, lines)).toStrictEqual(['aaa|bbb|ccc|ddd', 'eee']);
    expect(packAll(12, lines)).toStrictEqual(['aaa|bbb', 'ccc|ddd', 'eee']);
    expect(packAll(11, lines)).toStrictEqual(['aaa', 'bbb', 'ccc', 'ddd', 'eee']);
  });

  test('batchLines counts the bytes of the text as JSON', () => {
    expect(packAll(6, batch('€'))).toStrictEqual(['€']);
    expect(packAll(5, batch('€'))).toStrictEqual([
      'LimitError: line 1 has 3 bytes, 6 in a message, over the limit of 5 bytes',
    ]);
    expect(packAll(9, batch('\u0001'))).toStrictEqual(['\u0001']);
    expect(packAll(8, batch('\u0001'))).toStrictEqual([
      'LimitError: line 1 has 1 bytes, 9 in a message, over the limit of 8 bytes',
    ]);
  });

  test('batchLines errors with the number of a line that is too long, after the lines before it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-f-x-a', { ...line, x: batch('', 'g', 'xxxxxxxxx', 'h') });
      const error = new LimitError('line 9 has 9 bytes, 12 in a message, over the limit of 11 bytes');
      expectObservable(line$.pipe(packed({ limitBytes: 11 }))).toBe('-f-(g#)', { ...out, g: 'g' }, error);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('batchLines splits a batch at 4096 lines', () => {
    const sizesOf = (count: number) =>
      packAll(MAX_MESSAGE_BYTES, batch(...Array<string>(count).fill('x'))).map(
        (sent) => sent.split('|').length,
      );
    expect(sizesOf(4096)).toStrictEqual([4096]);
    expect(sizesOf(4097)).toStrictEqual([4096, 1]);
  });

  test('checkMessage rejects a message with too many lines or none', () => {
    const lines = (count: number) => ({ lines: Array<string>(count).fill('x') });
    expect(checkMessage(lines(4096))).toBeUndefined();
    expect(checkMessage(lines(4097))).toStrictEqual(
      new LimitError('a message of 4097 lines is over the limit of 4096'),
    );
    expect(checkMessage(lines(0))).toBeInstanceOf(TypeError);
  });

  test('batchLines emits a batch before an error that follows at once', () => {
    const sent: string[] = [];
    concat(
      of(batch('a', 'b')),
      throwError(() => new Error('gone')),
    )
      .pipe(packed())
      .subscribe({ next: (each) => sent.push(each), error: (error: Error) => sent.push(error.message) });
    expect(sent).toStrictEqual(['a|b', 'gone']);
  });

  test('the largest batch fits in an envelope with the longest nick and the largest numbers', () => {
    const longest = 'x'.repeat(MAX_MESSAGE_BYTES - 3);
    expect(fitsInMessage(longest)).toBe(true);
    expect(fitsInMessage(`${longest}x`)).toBe(false);
    expect(packAll(MAX_MESSAGE_BYTES, batch(longest))).toStrictEqual([longest]);
    const largest = Number.MAX_SAFE_INTEGER;
    const widest = envelope({
      nick: '\u{1f600}'.repeat(32),
      counter: largest,
      time: largest,
      stored: largest - 1,
      seen: { log: 'x'.repeat(64), from: largest - 1, to: largest, hash: 'x'.repeat(43) },
    });
    expect(encodeEnvelope({ ...widest, lines: [longest] }, ALICE)).toHaveLength(MAX_ENVELOPE_BYTES);

    // Several lines that fill a batch do not need the largest padding; one byte more would.
    const half = 'x'.repeat(MAX_BATCH_BYTES / 2 - 3);
    expect(packAll(MAX_MESSAGE_BYTES, batch(half, half))).toStrictEqual([`${half}|${half}`]);
    expect(packAll(MAX_MESSAGE_BYTES, batch(half, `${half}x`))).toStrictEqual([half, `${half}x`]);
    expect(encodeEnvelope({ ...widest, lines: [half, half] }, ALICE)).toHaveLength(32_768);
  });
});
