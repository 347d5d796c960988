import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { map, of } from 'rxjs';
import { jsonMeasure, utf8Measure, truncateToFit } from '../../../../../src/cli/shared/input/measure.js';
import {
  inputLines,
  type InputLinesOptions,
  type LongLinePolicy,
} from '../../../../../src/cli/shared/input/inputLines.js';
import { encodeText } from '../../../../../streams/wire/encoding.js';
import { marbles } from '../../../../support/marbles.js';
import { codePoint } from '../../../../support/codePoint.js';

const LIMIT = 32;
const measure = utf8Measure(LIMIT);

/** Returns all lines of some chunks, and the error last. */
const read = (chunks: readonly Uint8Array[], options: Partial<InputLinesOptions> = {}): string[] => {
  const all: string[] = [];
  of(...chunks)
    .pipe(inputLines({ measure, longLines: 'end', ...options }))
    .subscribe({
      next: (lines) => all.push(...lines),
      error: (error: unknown) => all.push(String(error)),
    });
  return all;
};

const bytesOf = (...texts: readonly string[]): Uint8Array[] => texts.map(encodeText);

/** Cuts bytes into chunks of these sizes. */
const cutInto = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; from < bytes.length; at += 1) {
    const to = from + (sizes[at % sizes.length] ?? 1);
    chunks.push(bytes.slice(from, to));
    from = to;
  }
  return chunks;
};

describe('the lines of standard input', () => {
  test('come together where they came in one chunk, and the last one may lack its end', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk = { a: encodeText('a\nb'), b: encodeText('\r\nc\n\n'), d: encodeText('d') };
      const chunk$ = cold('  --a---b---d--|', chunk);
      const lines$ = chunk$.pipe(
        inputLines({ measure, longLines: 'end' }),
        map((lines) => lines.join()),
      );
      expectObservable(lines$).toBe('--a---b------(d|)', { a: 'a', b: 'b,c', d: 'd' });
      expectSubscriptions(chunk$.subscriptions).toBe('^------------!');
      const failing$ = cold('-a-#', chunk).pipe(inputLines({ measure, longLines: 'end' }));
      expectObservable(failing$).toBe('-a-#', { a: ['a'] });
    });
  });

  test('have no return before their newline, and no byte order mark before the first', () => {
    expect(read(bytesOf('\ufefffirst\r\nsecond\r\r\n\ufeffthird\rx\r'))).toStrictEqual([
      'first',
      'second\r',
      '\ufeffthird\rx',
    ]);
    expect(read([Uint8Array.of(0xef), Uint8Array.of(0xbb), Uint8Array.of(0xbf, 0x61)])).toStrictEqual(['a']);
  });

  test('are the same however they are cut', () => {
    const text = fc.array(
      fc.string({ unit: codePoint, maxLength: 12 }).map((line) => line.replaceAll('\n', '')),
    );
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = encodeText(lines.join('\n'));
        for (const long of ['cut', 'skip', 'split'] as const)
          expect(read(cutInto(bytes, sizes), { longLines: long })).toStrictEqual(
            read([bytes], { longLines: long }),
          );
      }),
    );
  });
});

describe('a line that is too long', () => {
  const long = 'x'.repeat(70);

  test.each<[LongLinePolicy, string[]]>([
    ['end', ['before', 'LimitError: line 3 has 70 bytes, over the limit of 32 bytes']],
    ['skip', ['before', 'after']],
    ['cut', ['before', 'x'.repeat(32), 'after']],
    ['split', ['before', 'x'.repeat(32), 'x'.repeat(32), 'x'.repeat(6), 'after']],
  ])('with %s, in one chunk and in many', (what, lines) => {
    const bytes = encodeText(`before\n\n${long}\nafter\n`);
    for (const sizes of [[200], [1], [7], [33], [64, 3]])
      expect(read(cutInto(bytes, sizes), { longLines: what })).toStrictEqual(lines);
  });

  test('is counted where it is cut or left out', () => {
    for (const what of ['cut', 'skip'] as const) {
      const counts: string[] = [];
      const input = bytesOf(`${long}\nshort\n${long}`, long, `\n${long}`);
      read(input, { longLines: what, onLongLine: (each) => counts.push(each) });
      expect(counts).toStrictEqual([what, what, what]);
    }
  });

  test('has the size of its bytes, also where they are not UTF-8 or more in a message', () => {
    const latin = [encodeText('ok\n'), new Uint8Array(40).fill(0xe9), encodeText('\n')];
    expect(read(latin)).toStrictEqual(['ok', 'LimitError: line 2 has 40 bytes, over the limit of 32 bytes']);
    expect(read([new Uint8Array([...new Uint8Array(20).fill(0xe9), 10])])).toStrictEqual([
      'LimitError: line 1 has 20 bytes, 60 in a message, over the limit of 32 bytes',
    ]);
    expect(read(bytesOf('\x01'.repeat(10), '\n'), { measure: jsonMeasure(LIMIT) })).toStrictEqual([
      'LimitError: line 1 has 10 bytes, 63 in a message, over the limit of 32 bytes',
    ]);
  });

  test('that never ends takes no more memory than a message, and its end is not waited for', () => {
    const chunk = new Uint8Array(65_536).fill(0x78);
    const endless = Array.from({ length: 1000 }, () => chunk);
    expect(read([...endless, encodeText('\nafter')], { longLines: 'skip' })).toStrictEqual(['after']);
    expect(read(endless)).toStrictEqual([
      'LimitError: line 1 has more than 16777216 bytes, over the limit of 32 bytes',
    ]);
  });

  test.each<LongLinePolicy>(['cut', 'split'])('is never cut within a grapheme: %s', (what) => {
    const family = '👨‍👩‍👧‍👦';
    const text = family.repeat(3);
    const [first, ...rest] = read(bytesOf(`${text}\n`), { longLines: what, measure: utf8Measure(40) });
    expect(first).toBe(family);
    expect(rest).toStrictEqual(what === 'cut' ? [] : [family, family]);
  });

  test.each<LongLinePolicy>(['cut', 'split'])('is never cut before an incomplete character: %s', (what) => {
    const bytes = encodeText(`${'x'.repeat(LIMIT - 3)}\u2602\ufe0fyyyyyyyyy`);
    for (const sizes of [[200], [LIMIT], [LIMIT + 1], [LIMIT + 2], [1]])
      expect(read(cutInto(bytes, sizes), { longLines: what })[0]).toBe('x'.repeat(LIMIT - 3));
  });

  test('is not too long because of a byte order mark or a return', () => {
    const line = 'x'.repeat(LIMIT);
    for (const longLines of ['cut', 'skip', 'split', 'end'] as const)
      for (const sizes of [[200], [LIMIT + 4], [1]])
        expect(read(cutInto(encodeText(`\ufeff${line}\r\n`), sizes), { longLines })).toStrictEqual([line]);
  });

  test('split is whole when it is put together, and each part fits', () => {
    const text = fc.string({
      unit: fc.constantFrom('é', '€', '👍🏽', 'e\u0301\u0302', '"', '\x01', 'x', '🇩🇪'),
    });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (line, sizes) => {
        const json = jsonMeasure(LIMIT);
        const parts = read(cutInto(encodeText(`${line}\n`), sizes), { longLines: 'split', measure: json });
        expect(parts.join('')).toBe(line);
        for (const part of parts) expect(json.sizeOf(part)).toBeLessThanOrEqual(LIMIT);
      }),
    );
  });

  test('of one grapheme is cut between characters', () => {
    const stacked = `a${'\u0301'.repeat(4000)}`;
    const start = truncateToFit(stacked, utf8Measure(3001));
    expect(start).toBe(`a${'\u0301'.repeat(1500)}`);
  });
});
