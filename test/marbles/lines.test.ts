import { describe, expect, test } from '@jest/globals';
import { from, map, type Observable, of, type OperatorFunction, pipe, take } from 'rxjs';
import { ProtocolError } from '../../streams/wire/errors.js';
import { eachLine, LINE_LIMIT, type Lines, lines } from '../../streams/wire/lines.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/utf8.js';
import { batch } from '../support/wire.js';
import { marbles } from '../support/marbles.js';

/** Chunks as text in, batches as text out. */
const framed = (limit?: number): OperatorFunction<string, string> =>
  pipe(map(encodeText), lines(limit === undefined ? {} : { limit }), map(shown));

const shown = ({ bytes, count }: Lines): string => `${count}: ${decodeTextLossy(bytes)}`;

const tooLong = (limit: number) => new ProtocolError('line-too-long', `a line is longer than ${limit} bytes`);

describe('lines', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('-');
      expectObservable(chunk$.pipe(framed())).toBe('-');
      expectSubscriptions(chunk$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(framed())).toBe('|');
    });
  });

  test('one line comes out as it came, its newline included', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-|', { a: 'one\n' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-|', { a: '1: one\n' });
    });
  });

  test('many lines of one chunk stay one batch', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-b-|', { a: 'one\ntwo\n\n', b: 'four\nfive\n' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-b-|', { a: '3: one\ntwo\n\n', b: '2: four\nfive\n' });
    });
  });

  test('messages that TCP has split are put together, and those it has joined are told apart', () => {
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

  test('an empty chunk changes nothing', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           a-b-c|', { a: 'on', b: '', c: 'e\n' });
      expectObservable(chunk$.pipe(framed())).toBe('----c|', { c: '1: one\n' });
    });
  });

  test('a line that was not ended when the source was is dropped', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-|', { a: 'one\ntw' });
      expectObservable(chunk$.pipe(framed())).toBe('-a-|', { a: '1: one\n' });
    });
  });

  test('an error of the source passes, after the lines before it', () => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('           -a-#', { a: 'one\ntw' }, 'reset');
      expectObservable(chunk$.pipe(framed())).toBe('-a-#', { a: '1: one\n' }, 'reset');
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-a-a-a-', { a: 'one\n' });
      const unsub = '     ---!';
      expectObservable(chunk$.pipe(framed()), unsub).toBe('-a-', { a: '1: one\n' });
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('a reader that has enough after the first of two batches of a chunk gets no second', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('                    a-b---', { a: 'o', b: 'ne\ntwo\n' });
      expectObservable(chunk$.pipe(framed(), take(1))).toBe('--(o|)', { o: '1: one\n' });
      expectSubscriptions(chunk$.subscriptions).toBe('^-!');
    });
  });

  test('one operator value serves two pipelines, each with its own unfinished line', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = framed();
      const one$ = cold('a-c|', { a: 'on', c: 'e\n' });
      const two$ = cold('-b-d|', { b: 'tw', d: 'o\n' });
      expectObservable(one$.pipe(operator)).toBe('--c|', { c: '1: one\n' });
      expectObservable(two$.pipe(operator)).toBe('---d|', { d: '1: two\n' });
    });
  });

  test('subscribing again begins without what the first time was left unfinished', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('a|', { a: 'two\non' }).pipe(framed());
      expectObservable(line$, '^').toBe('  a|', { a: '1: two\n' });
      expectObservable(line$, '--^').toBe('--a|', { a: '1: two\n' });
    });
  });
});

describe('the limit of lines', () => {
  test('is 64 KiB where nothing else was said, newline included', () => {
    marbles(({ expectObservable }) => {
      const length$ = (size: number) =>
        of('a'.repeat(size)).pipe(
          map((text) => encodeText(`${text}\n`)),
          lines(),
          map(({ bytes }) => bytes.length),
        );
      expectObservable(length$(LINE_LIMIT - 1)).toBe('(n|)', { n: 65_536 });
      expectObservable(length$(LINE_LIMIT)).toBe('#', {}, tooLong(65_536));
    });
  });

  const whole = 'abc\n';
  const cuts = [[whole], ['abc', '\n'], ['a', 'b', 'c', '\n'], ['', 'ab', 'c\n']];

  test.each(cuts.map((cut) => [cut]))('a line of exactly the limit passes, cut as %j', (cut) => {
    marbles(({ expectObservable }) => {
      expectObservable(of(...cut).pipe(framed(4))).toBe('(a|)', { a: '1: abc\n' });
    });
  });

  const longer = [['abcd\n'], ['abc', 'd\n'], ['abcd', '\n'], ['a', 'b', 'c', 'd', '\n']];

  test.each(longer.map((cut) => [cut]))('a line of one byte more is an error, cut as %j', (cut) => {
    marbles(({ expectObservable }) => {
      expectObservable(of(...cut).pipe(framed(4))).toBe('#', {}, tooLong(4));
    });
  });

  test('an endless line is an error as soon as it cannot end within the limit any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                    -a-a-a-a-a-a-', { a: 'a' });
      expectObservable(chunk$.pipe(framed(4))).toBe('-------#', {}, tooLong(4));
      expectSubscriptions(chunk$.subscriptions).toBe('^------!');
    });
  });

  test('the lines before one that is too long are emitted first', () => {
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
  test('whole lines are handed on in the very chunk that they came in', () => {
    marbles(({ expectObservable }) => {
      const chunk = encodeText('one\ntwo\nthr');
      const same$: Observable<boolean> = of(chunk).pipe(
        lines(),
        map(({ bytes }) => bytes.buffer === chunk.buffer && bytes.byteOffset === chunk.byteOffset),
      );
      expectObservable(same$).toBe('(t|)', { t: true });
    });
  });

  test('what is carried over is a copy, so that a transport may use its chunk again', () => {
    marbles(({ cold, expectObservable }) => {
      const pool = encodeText('one\ntw');
      const chunk$ = cold('ab|').pipe(
        map((mark) => (mark === 'a' ? pool : (pool.fill(33), encodeText('o\n')))),
        lines(),
        map(shown),
      );
      expectObservable(chunk$).toBe('ab|', { a: '1: one\n', b: '1: two\n' });
    });
  });

  test('a batch gives its single lines, each with its newline', () => {
    expect(Array.from(eachLine(batch('one', '', 'three')), decodeTextLossy)).toStrictEqual([
      'one\n',
      '\n',
      'three\n',
    ]);
  });
});

test('the first line may have a limit of its own, however it is cut', () => {
  const told = (...chunks: string[]) => {
    const seen: unknown[] = [];
    from(chunks.map(encodeText))
      .pipe(lines({ limit: 6, first: 3 }))
      .subscribe({
        next: ({ count }) => seen.push(count),
        error: ({ code }: ProtocolError) => seen.push(code),
      });
    return seen;
  };
  expect(told('ab\nabcde\n')).toStrictEqual([2]);
  expect(told('a', 'b\nabc', 'de\n')).toStrictEqual([1, 1]);
  expect(told('abc\n')).toStrictEqual(['line-too-long']);
  expect(told('a', 'bc')).toStrictEqual(['line-too-long']);
  expect(told('ab\nabcdef\n')).toStrictEqual([1, 'line-too-long']);
});
