import { describe, expect, test } from '@jest/globals';
import { map, type Observable, tap } from 'rxjs';
import type { Connection } from '../../streams/wire/connection.js';
import { memoryPair } from '../../streams/wire/memory.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/utf8.js';
import { marbles } from '../support/marbles.js';

const heardBy = ({ chunk$ }: Connection): Observable<string> => chunk$.pipe(map(decodeTextLossy));
const write = (connection: Connection, text: string): boolean => connection.write(encodeText(text));

/** A drawing of what one does, each glyph by its own name. */
const doing = (actions: Record<string, () => unknown>) => tap((glyph: string) => actions[glyph]?.());

describe('memoryPair', () => {
  test('nothing is heard where nothing was written', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = memoryPair();
      expectObservable(heardBy(near)).toBe('-');
      expectObservable(heardBy(far)).toBe('-');
    });
  });

  test('each end hears the other, in order', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const act$ = hot('                 -a-b-c-').pipe(
        doing({ a: () => write(near, 'a'), b: () => write(far, 'b'), c: () => write(near, 'c') }),
      );
      expectObservable(act$).toBe('      -a-b-c-');
      expectObservable(heardBy(far)).toBe('-a---c-');
      expectObservable(heardBy(near)).toBe('---b---');
    });
  });

  test('nothing is heard within the call that wrote it', () => {
    const heard: string[] = [];
    marbles(({ hot, expectObservable, flush }) => {
      const [near, far] = memoryPair();
      expectObservable(heardBy(far).pipe(tap((text) => heard.push(text)))).toBe('-a');
      expectObservable(
        hot('-a').pipe(
          map((text) => {
            write(near, text);
            return heard.length;
          }),
        ),
      ).toBe('-n', { n: 0 });
      flush();
    });
    expect(heard).toStrictEqual(['a']);
  });

  test('what was written before anybody listened is heard', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = memoryPair();
      write(near, 'a');
      write(near, 'b');
      expectObservable(heardBy(far), '---^').toBe('---(ab)');
    });
  });

  test('two pairs are independent', () => {
    marbles(({ expectObservable }) => {
      const [near] = memoryPair();
      const [, far] = memoryPair();
      write(near, 'a');
      expectObservable(heardBy(far)).toBe('-');
    });
  });
});

describe('a memory connection that is closed', () => {
  test('ends its own reading within the call', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
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
      expectObservable(heardBy(far)).toBe('       --|');
    });
  });

  test('sends what was written before, and takes nothing after', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const act$ = hot('--c').pipe(
        doing({ c: () => (write(near, 'a'), near.close(), near.close(), write(near, 'b')) }),
      );
      expectObservable(act$).toBe('       --c');
      expectObservable(heardBy(far)).toBe('--(a|)');
    });
  });

  test('hears nothing any more, not even what was written to it before', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const act$ = hot('--c-d').pipe(
        doing({ c: () => (write(far, 'a'), near.close()), d: () => write(far, 'b') }),
      );
      expectObservable(act$).toBe('         --c-d');
      expectObservable(heardBy(near)).toBe(' --|');
      expectObservable(heardBy(near), '---^').toBe('---|');
    });
  });

  test('lets the other end hear all, and then the end, though it listens late', () => {
    marbles(({ expectObservable }) => {
      const [near, far] = memoryPair();
      write(near, 'a');
      near.close();
      expectObservable(heardBy(far), '---^').toBe('---(a|)');
    });
  });
});

describe('a memory connection that is full', () => {
  test('answers false, and emits once it was read', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair({ highWaterMark: 4 });
      const takes$ = hot('-a-b---').pipe(map((glyph) => write(near, glyph.repeat(2))));
      expectObservable(takes$).toBe('             -t-f---', { t: true, f: false });
      expectObservable(near.writable$).toBe('     -----w-', { w: undefined });
      expectObservable(heardBy(far), '-----^').toBe('-----(ab)', { a: 'aa', b: 'bb' });
    });
  });

  test('keeps in order what is written all the same', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair({ highWaterMark: 1 });
      expectObservable(hot('-abc').pipe(map((glyph) => write(near, glyph)))).toBe('-fff', { f: false });
      expectObservable(heardBy(far), '-----^').toBe('-----(abc)');
      expectObservable(near.writable$).toBe('        -----w', { w: undefined });
    });
  });

  test('wakes who waits when the other end is closed', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair({ highWaterMark: 1 });
      const act$ = hot('-a-c').pipe(doing({ a: () => write(near, 'a'), c: () => far.close() }));
      expectObservable(act$).toBe('          -a-c');
      expectObservable(near.writable$).toBe('---w', { w: undefined });
    });
  });

  test('wakes who waits though another write in between found room again', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair({ highWaterMark: 4 });
      // Reads one chunk and pauses: then less than the mark is held, but not yet nothing.
      const heard$ = heardBy(far).pipe(
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
      expectObservable(heard$).toBe('          -a----(bc)', { a: 'aaa', b: 'b', c: 'c' });
      expectObservable(near.writable$).toBe('  ------w', { w: undefined });
    });
  });
});

describe('a memory connection that is paused', () => {
  test('hears nothing until it reads on, neither bytes nor the end', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const act$ = hot('-p-a-c-r').pipe(
        doing({
          p: () => far.pause(),
          a: () => write(near, 'a'),
          c: () => near.close(),
          r: () => far.resume(),
        }),
      );
      expectObservable(act$).toBe('       -p-a-c-r');
      expectObservable(heardBy(far)).toBe('-------(a|)');
    });
  });

  test('hears not even the end, where nothing else is left to hear', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const act$ = hot('-p-c-r').pipe(
        doing({ p: () => far.pause(), c: () => near.close(), r: () => far.resume() }),
      );
      expectObservable(act$).toBe('       -p-c-r');
      expectObservable(heardBy(far)).toBe('-----|');
    });
  });

  test('hears no more of what came at once when it pauses within the first', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair();
      const heard$ = heardBy(far).pipe(tap((text) => text === 'a' && far.pause()));
      const act$ = hot('-w--r').pipe(
        doing({ w: () => [write(near, 'a'), write(near, 'b')], r: () => far.resume() }),
      );
      expectObservable(act$).toBe('  -w--r');
      expectObservable(heard$).toBe('-a--b');
    });
  });

  test('is read no further once nobody listens, and what is left is not lost to the writer as taken', () => {
    marbles(({ hot, expectObservable }) => {
      const [near, far] = memoryPair({ highWaterMark: 2 });
      expectObservable(hot('-a-b').pipe(map((glyph) => write(near, glyph.repeat(2))))).toBe('-f-f', {
        f: false,
      });
      expectObservable(heardBy(far), '^-!').toBe('-a', { a: 'aa' });
      expectObservable(near.writable$).toBe('-w--', { w: undefined });
    });
  });
});
