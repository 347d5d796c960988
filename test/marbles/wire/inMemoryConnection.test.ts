import { describe, expect, test } from '@jest/globals';
import { map, type Observable, tap } from 'rxjs';
import { type Connection, connectionPair } from '../../../streams/wire/connection.js';
import { decodeTextLossy, encodeText } from '../../../streams/wire/encoding.js';
import { marbles } from '../../support/marbles.js';

const receivedBy = ({ chunk$ }: Connection): Observable<string> => chunk$.pipe(map(decodeTextLossy));
const write = (connection: Connection, text: string): boolean => connection.write(encodeText(text));

/** A drawing of the actions of one end, each glyph by its own name. */
const doing = (actions: Record<string, () => unknown>) => tap((glyph: string) => actions[glyph]?.());

describe('a pair of in-memory connections', () => {
  test('delivers nothing when nothing was written', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = connectionPair();
      expectObservable(receivedBy(near)).toBe('-');
      expectObservable(receivedBy(far)).toBe('-');
    });
  });

  test("delivers each end's bytes to the other in order", () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const act$ = hot('                 -a-b-c-').pipe(
        doing({ a: () => write(near, 'a'), b: () => write(far, 'b'), c: () => write(near, 'c') }),
      );
      expectObservable(act$).toBe('      -a-b-c-');
      expectObservable(receivedBy(far)).toBe('-a---c-');
      expectObservable(receivedBy(near)).toBe('---b---');
    });
  });

  test('delivers nothing within the call that wrote it', () => {
    const received: string[] = [];
    marbles(({ hot, expectObservable, flush }) => {
      const [near, far] = connectionPair();
      expectObservable(receivedBy(far).pipe(tap((text) => received.push(text)))).toBe('-a');
      expectObservable(
        hot('-a').pipe(
          map((text) => {
            write(near, text);
            return received.length;
          }),
        ),
      ).toBe('-n', { n: 0 });
      flush();
    });
    expect(received).toStrictEqual(['a']);
  });

  test('delivers what was written before the first subscriber', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = connectionPair();
      write(near, 'a');
      write(near, 'b');
      expectObservable(receivedBy(far), '---^').toBe('---(ab)');
    });
  });

  test('is independent of another pair', () => {
    marbles(({ expectObservable }) => {
      const [near] = connectionPair();
      const [, far] = connectionPair();
      write(near, 'a');
      expectObservable(receivedBy(far)).toBe('-');
    });
  });
});

describe('an in-memory connection that is closed', () => {
  test('ends its own reading within the call', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      let ended = false;
      const chunk$ = near.chunk$.pipe(tap({ complete: () => (ended = true) }));
      expectObservable(chunk$).toBe('             --|');
      expectObservable(
        hot('--c').pipe(
          map(() => {
            near.close();
            return ended;
          }),
        ),
      ).toBe('--t', { t: true });
      expectObservable(receivedBy(far)).toBe('       --|');
    });
  });

  test('delivers what was written before, and accepts nothing after', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const act$ = hot('--c').pipe(
        doing({ c: () => (write(near, 'a'), near.close(), near.close(), write(near, 'b')) }),
      );
      expectObservable(act$).toBe('       --c');
      expectObservable(receivedBy(far)).toBe('--(a|)');
    });
  });

  test('receives nothing more, not even earlier bytes', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const act$ = hot('--c-d').pipe(
        doing({ c: () => (write(far, 'a'), near.close()), d: () => write(far, 'b') }),
      );
      expectObservable(act$).toBe('         --c-d');
      expectObservable(receivedBy(near)).toBe(' --|');
      expectObservable(receivedBy(near), '---^').toBe('---|');
    });
  });

  test('delivers everything and then the end to a late subscriber at the other end', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = connectionPair();
      write(near, 'a');
      near.close();
      expectObservable(receivedBy(far), '---^').toBe('---(a|)');
    });
  });
});

describe('an in-memory connection that is full', () => {
  test('returns false from write, and emits writable once it was read', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair({ highWaterMark: 4 });
      const takes$ = hot('-a-b---').pipe(map((glyph) => write(near, glyph.repeat(2))));
      expectObservable(takes$).toBe('             -t-f---', { t: true, f: false });
      expectObservable(near.writable$).toBe('     -----w-', { w: undefined });
      expectObservable(receivedBy(far), '-----^').toBe('-----(ab)', { a: 'aa', b: 'bb' });
    });
  });

  test('keeps the order of bytes written while it is full', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair({ highWaterMark: 1 });
      expectObservable(hot('-abc').pipe(map((glyph) => write(near, glyph)))).toBe('-fff', { f: false });
      expectObservable(receivedBy(far), '-----^').toBe('-----(abc)');
      expectObservable(near.writable$).toBe('        -----w', { w: undefined });
    });
  });

  test('emits writable when the other end is closed', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair({ highWaterMark: 1 });
      const act$ = hot('-a-c').pipe(doing({ a: () => write(near, 'a'), c: () => far.close() }));
      expectObservable(act$).toBe('          -a-c');
      expectObservable(near.writable$).toBe('---w', { w: undefined });
    });
  });

  test('emits writable although another write has filled it again', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair({ highWaterMark: 4 });
      // Reads one chunk and pauses: then the buffer is below the mark, but not empty yet.
      const event$ = receivedBy(far).pipe(
        tap((text) => {
          if (text === 'aaa') far.pause();
        }),
      );
      const act$ = hot('-a--c-r').pipe(
        doing({
          a: () => [write(near, 'aaa'), write(near, 'b')],
          c: () => write(near, 'c'),
          r: () => far.resume(),
        }),
      );
      expectObservable(act$).toBe('            -a--c-r');
      expectObservable(event$).toBe('          -a----(bc)', { a: 'aaa', b: 'b', c: 'c' });
      expectObservable(near.writable$).toBe('  ------w', { w: undefined });
    });
  });
});

describe('an in-memory connection that is paused', () => {
  test('receives neither bytes nor the end until it resumes', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const act$ = hot('-p-a-c-r').pipe(
        doing({
          p: () => far.pause(),
          a: () => write(near, 'a'),
          c: () => near.close(),
          r: () => far.resume(),
        }),
      );
      expectObservable(act$).toBe('       -p-a-c-r');
      expectObservable(receivedBy(far)).toBe('-------(a|)');
    });
  });

  test('does not receive the end when nothing else is pending', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const act$ = hot('-p-c-r').pipe(
        doing({ p: () => far.pause(), c: () => near.close(), r: () => far.resume() }),
      );
      expectObservable(act$).toBe('       -p-c-r');
      expectObservable(receivedBy(far)).toBe('-----|');
    });
  });

  test('receives no more of a batch when it pauses within the first chunk', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair();
      const event$ = receivedBy(far).pipe(tap((text) => text === 'a' && far.pause()));
      const act$ = hot('-w--r').pipe(
        doing({ w: () => [write(near, 'a'), write(near, 'b')], r: () => far.resume() }),
      );
      expectObservable(act$).toBe('  -w--r');
      expectObservable(event$).toBe('-a--b');
    });
  });

  test('is not read further once it has no subscriber, and does not count the rest as accepted', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = connectionPair({ highWaterMark: 2 });
      expectObservable(hot('-a-b').pipe(map((glyph) => write(near, glyph.repeat(2))))).toBe('-f-f', {
        f: false,
      });
      expectObservable(receivedBy(far), '^-!').toBe('-a', { a: 'aa' });
      expectObservable(near.writable$).toBe('-w--', { w: undefined });
    });
  });
});
