import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { map, of } from 'rxjs';
import { asJson, asUtf8, fittingStart } from '../../src/cli/sending/fitting.js';
import { inputLines, type InputLinesOptions, type Long } from '../../src/cli/sending/inputLines.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { marbles } from '../support/marbles.js';

const LIMIT = 32;
const measure = asUtf8(LIMIT);

/** All lines that come of some chunks, the error last. */
const read = (chunks: readonly Uint8Array[], options: Partial<InputLinesOptions> = {}): string[] => {
  const all: string[] = [];
  of(...chunks)
    .pipe(inputLines({ measure, long: 'end', ...options }))
    .subscribe({
      next: (lines) => all.push(...lines),
      error: (error: unknown) => all.push(String(error)),
    });
  return all;
};

const bytesOf = (...texts: readonly string[]): Uint8Array[] => texts.map(encodeText);

/** The same bytes, cut into chunks of other sizes. */
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
        inputLines({ measure, long: 'end' }),
        map((lines) => lines.join()),
      );
      expectObservable(lines$).toBe('--a---b------(d|)', { a: 'a', b: 'b,c', d: 'd' });
      expectSubscriptions(chunk$.subscriptions).toBe('^------------!');
      const failing$ = cold('-a-#', chunk).pipe(inputLines({ measure, long: 'end' }));
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
      fc.string({ unit: 'binary', maxLength: 12 }).map((line) => line.replaceAll('\n', '')),
    );
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = encodeText(lines.join('\n'));
        for (const long of ['cut', 'skip', 'split'] as const)
          expect(read(cutInto(bytes, sizes), { long })).toStrictEqual(read([bytes], { long }));
      }),
    );
  });
});

describe('a line that is too long', () => {
  const long = 'x'.repeat(70);

  test.each<[Long, string[]]>([
    ['end', ['before', 'LimitError: line 3 has 70 bytes, over the limit of 32 bytes']],
    ['skip', ['before', 'after']],
    ['cut', ['before', 'x'.repeat(32), 'after']],
    ['split', ['before', 'x'.repeat(32), 'x'.repeat(32), 'x'.repeat(6), 'after']],
  ])('with %s, in one chunk and in many', (what, lines) => {
    const bytes = encodeText(`before\n\n${long}\nafter\n`);
    for (const sizes of [[200], [1], [7], [33], [64, 3]])
      expect(read(cutInto(bytes, sizes), { long: what })).toStrictEqual(lines);
  });

  test('is counted where it is cut or left out', () => {
    for (const what of ['cut', 'skip'] as const) {
      const counted: string[] = [];
      const input = bytesOf(`${long}\nshort\n${long}`, long, `\n${long}`);
      read(input, { long: what, onLong: (each) => counted.push(each) });
      expect(counted).toStrictEqual([what, what, what]);
    }
  });

  test('has the size of its bytes, also where they are not UTF-8 or more in a message', () => {
    const latin = [encodeText('ok\n'), new Uint8Array(40).fill(0xe9), encodeText('\n')];
    expect(read(latin)).toStrictEqual(['ok', 'LimitError: line 2 has 40 bytes, over the limit of 32 bytes']);
    expect(read([new Uint8Array([...new Uint8Array(20).fill(0xe9), 10])])).toStrictEqual([
      'LimitError: line 1 has 20 bytes, 60 in a message, over the limit of 32 bytes',
    ]);
    expect(read(bytesOf('\x01'.repeat(10), '\n'), { measure: asJson(LIMIT) })).toStrictEqual([
      'LimitError: line 1 has 10 bytes, 63 in a message, over the limit of 32 bytes',
    ]);
  });

  test('that never ends takes no more memory than a message, and its end is not waited for', () => {
    const chunk = new Uint8Array(65_536).fill(0x78);
    const endless = Array.from({ length: 1000 }, () => chunk);
    expect(read([...endless, encodeText('\nafter')], { long: 'skip' })).toStrictEqual(['after']);
    expect(read(endless)).toStrictEqual([
      'LimitError: line 1 has more than 16777216 bytes, over the limit of 32 bytes',
    ]);
  });

  test.each<Long>(['cut', 'split'])('is never cut within a grapheme: %s', (what) => {
    const family = '👨‍👩‍👧‍👦';
    const text = family.repeat(3);
    const [first, ...rest] = read(bytesOf(`${text}\n`), { long: what, measure: asUtf8(40) });
    expect(first).toBe(family);
    expect(rest).toStrictEqual(what === 'cut' ? [] : [family, family]);
  });

  test('split is whole when it is put together, and each part fits', () => {
    const text = fc.string({
      unit: fc.constantFrom('é', '€', '👍🏽', 'e\u0301\u0302', '"', '\x01', 'x', '🇩🇪'),
    });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (line, sizes) => {
        const json = asJson(LIMIT);
        const parts = read(cutInto(encodeText(`${line}\n`), sizes), { long: 'split', measure: json });
        expect(parts.join('')).toBe(line);
        for (const part of parts) expect(json.bytesOf(part)).toBeLessThanOrEqual(LIMIT);
      }),
    );
  });

  test('of one grapheme is cut between characters', () => {
    const stacked = `a${'\u0301'.repeat(4000)}`;
    const start = fittingStart(stacked, asUtf8(3001));
    expect(start).toBe(`a${'\u0301'.repeat(1500)}`);
  });
});
