import { describe, expect, test } from '@jest/globals';
import { from, map, type Observable, of, type OperatorFunction, pipe, take } from 'rxjs';
import { ProtocolError } from '../../../streams/wire/errors.js';
import { eachLine, MAX_LINE_BYTES, type Lines, lines } from '../../../streams/wire/lines.js';
import { decodeTextLossy, encodeText } from '../../../streams/wire/encoding.js';
import { batch } from '../../support/wire.js';
import { marbles } from '../../support/marbles.js';

/** Chunks as text in, batches as text out. */
const framed = (limit?: number): OperatorFunction<string, string> =>
  pipe(map(encodeText), lines(limit === undefined ? {} : { maxLineBytes: limit }), map(printed));

const printed = ({ bytes, count }: Lines): string => `${count}: ${decodeTextLossy(bytes)}`;

const tooLong = (limit: number) => new ProtocolError('line-too-long', `a line is longer than ${limit} bytes`);

describe('lines', () => {
  test('emits nothing when the source is silent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('-');
      expectObservable(chunk$.pipe(framed())).toBe('-');
      expectSubscriptions(chunk$.subscriptions).toBe('^');
    });
  });

  test('completes when the source is empty', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(framed())).toBe('|');
    });
  });

  test('emits a line as it came, including its newline', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-|', { a: 'one\n' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-|', { a: '1: one\n' });
    });
  });

  test('emits the lines of one chunk as one batch', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-b-|', { a: 'one\ntwo\n\n', b: 'four\nfive\n' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-b-|', { a: '3: one\ntwo\n\n', b: '2: four\nfive\n' });
    });
  });

  test('joins messages that TCP has split, and separates those it has joined', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold(' -a-b-c----d-|', { a: 'o', b: 'n', c: 'e\ntwo\nthree\nfo', d: 'ur\n' });
      const expected = '    -----(ef)-g-|';
      expectObservable(chunk$.pipe(framed())).toBe(expected, {
        e: '1: one\n',
        f: '2: two\nthree\n',
        g: '1: four\n',
      });
    });
  });

  test('ignores an empty chunk', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           a-b-c|', { a: 'on', b: '', c: 'e\n' });
      expectObservable(chunk$.pipe(framed())).toBe('----c|', { c: '1: one\n' });
    });
  });

  test('drops an unterminated line when the source ends', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-|', { a: 'one\ntw' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-|', { a: '1: one\n' });
    });
  });

  test('passes an error of the source on after the lines before it', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-#', { a: 'one\ntw' }, 'reset');
      expectObservable(chunk$.pipe(framed())).toBe('-a-#', { a: '1: one\n' }, 'reset');
    });
  });

  test('unsubscribes from an endless source when its subscriber leaves', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-a-a-a-', { a: 'one\n' });
      const unsub = '     ---!';
      expectObservable(chunk$.pipe(framed()), unsub).toBe('-a-', { a: '1: one\n' });
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('emits no second batch of a chunk when the subscriber unsubscribes after the first', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('                    a-b---', { a: 'o', b: 'ne\ntwo\n' });
      expectObservable(chunk$.pipe(framed(), take(1))).toBe('--(o|)', { o: '1: one\n' });
      expectSubscriptions(chunk$.subscriptions).toBe('^-!');
    });
  });

  test('keeps a separate unfinished line for each of two pipelines of one operator value', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = framed();
      const one$ = cold('a-c|', { a: 'on', c: 'e\n' });
      const two$ = cold('-b-d|', { b: 'tw', d: 'o\n' });
      expectObservable(one$.pipe(operator)).toBe('--c|', { c: '1: one\n' });
      expectObservable(two$.pipe(operator)).toBe('---d|', { d: '1: two\n' });
    });
  });

  test('starts without the unfinished line of an earlier subscription', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('a|', { a: 'two\non' }).pipe(framed());
      expectObservable(line$, '^').toBe('  a|', { a: '1: two\n' });
      expectObservable(line$, '--^').toBe('--a|', { a: '1: two\n' });
    });
  });
});

describe('the length limit of lines', () => {
  test('is 64 KiB by default, including the newline', () => {
    marbles(({ expectObservable }) => {
      const length$ = (size: number) =>
        of('a'.repeat(size)).pipe(
          map((text) => encodeText(`${text}\n`)),
          lines(),
          map(({ bytes }) => bytes.length),
        );
      expectObservable(length$(MAX_LINE_BYTES - 1)).toBe('(n|)', { n: 65_536 });
      expectObservable(length$(MAX_LINE_BYTES)).toBe('#', {}, tooLong(65_536));
    });
  });

  const whole = 'abc\n';
  const cuts = [[whole], ['abc', '\n'], ['a', 'b', 'c', '\n'], ['', 'ab', 'c\n']];

  test.each(cuts.map((cut) => [cut]))('accepts a line of exactly the limit, cut as %j', (cut) => {
    marbles(({ expectObservable }) => {
      expectObservable(of(...cut).pipe(framed(4))).toBe('(a|)', { a: '1: abc\n' });
    });
  });

  const longer = [['abcd\n'], ['abc', 'd\n'], ['abcd', '\n'], ['a', 'b', 'c', 'd', '\n']];

  test.each(longer.map((cut) => [cut]))('errors at a line one byte over the limit, cut as %j', (cut) => {
    marbles(({ expectObservable }) => {
      expectObservable(of(...cut).pipe(framed(4))).toBe('#', {}, tooLong(4));
    });
  });

  test('errors at an endless line as soon as it exceeds the limit', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                    -a-a-a-a-a-a-', { a: 'a' });
      expectObservable(chunk$.pipe(framed(4))).toBe('-------#', {}, tooLong(4));
      expectSubscriptions(chunk$.subscriptions).toBe('^------!');
    });
  });

  test('emits the lines before one that is too long', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('a-b---', { a: 'o', b: 'ne\ntwo\nx\nfour!\nsix\n' });
      const expected = '   --(cd#)';
      expectObservable(chunk$.pipe(framed(4))).toBe(
        expected,
        { c: '1: one\n', d: '2: two\nx\n' },
        tooLong(4),
      );
    });
  });
});

describe('the memory of lines', () => {
  test('passes whole lines on in the chunk that they came in', () => {
    marbles(({ expectObservable }) => {
      const chunk = encodeText('one\ntwo\nthr');
      const same$: Observable<boolean> = of(chunk).pipe(
        lines(),
        map(({ bytes }) => bytes.buffer === chunk.buffer && bytes.byteOffset === chunk.byteOffset),
      );
      expectObservable(same$).toBe('(t|)', { t: true });
    });
  });

  test('copies what it carries over, so that a transport can reuse its chunk', () => {
    marbles(({ cold, expectObservable }) => {
      const pool = encodeText('one\ntw');
      const chunk$ = cold('ab|').pipe(
        map((mark) => (mark === 'a' ? pool : (pool.fill(33), encodeText('o\n')))),
        lines(),
        map(printed),
      );
      expectObservable(chunk$).toBe('ab|', { a: '1: one\n', b: '1: two\n' });
    });
  });

  test('splits a batch into its lines, each with its newline', () => {
    expect(Array.from(eachLine(batch('one', '', 'three')), decodeTextLossy)).toStrictEqual([
      'one\n',
      '\n',
      'three\n',
    ]);
  });
});

test('lines limits the first line separately, however it is cut', () => {
  const reportedBy = (...chunks: string[]) => {
    const seen: unknown[] = [];
    from(chunks.map(encodeText))
      .pipe(lines({ maxLineBytes: 6, maxFirstLineBytes: 3 }))
      .subscribe({
        next: ({ count }) => seen.push(count),
        error: ({ code }: ProtocolError) => seen.push(code),
      });
    return seen;
  };
  expect(reportedBy('ab\nabcde\n')).toStrictEqual([2]);
  expect(reportedBy('a', 'b\nabc', 'de\n')).toStrictEqual([1, 1]);
  expect(reportedBy('abc\n')).toStrictEqual(['line-too-long']);
  expect(reportedBy('a', 'bc')).toStrictEqual(['line-too-long']);
  expect(reportedBy('ab\nabcdef\n')).toStrictEqual([1, 'line-too-long']);
});
