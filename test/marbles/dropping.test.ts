import { describe, expect, test } from '@jest/globals';
import { ignoreElements, map, merge, type Observable, of, tap } from 'rxjs';
import { type Drop, droppingLines, type DroppingOptions } from '../../src/cli/dropping.js';
import { WINDOW } from '../../src/cli/source.js';
import { CliError, Exit } from '../../src/cli/exit.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { marbles } from '../support/marbles.js';
import { bytes } from '../support/wire.js';

const chunks: Record<string, Uint8Array> = {
  a: bytes('a'),
  b: bytes('b'),
  c: bytes('c', 'd'),
  // Half a line each.
  e: encodeText('e'),
  f: encodeText('f\n'),
  g: bytes('', 'g', ''),
  '9': bytes('1', '2', '3', '4', '5', '6', '7', '8', '9'),
  L: bytes('x'.repeat(40_000), 'y'),
  M: bytes('b', 'x'.repeat(40_000), 'y'),
  T: encodeText('x'.repeat(70_000)),
  N: encodeText('\n'),
};

/** As JSON, with what parts it from the next, a letter has four bytes: so many of them may wait. A turn is over at once. */
const room = (letters: number): DroppingOptions => ({ limit: 4 * letters, turn$: of(null) });

/** What is said, and in digits how many were dropped. The relay takes nothing from `x` to `o` of a drawing. */
const going = (
  chunk$: Observable<Uint8Array>,
  drop: Drop,
  options: DroppingOptions,
  gate$: Observable<string> = of('o'),
) => {
  const pause = () => {
    throw new Error('its writer would wait');
  };
  const source = droppingLines({ chunk$, pause, resume: () => undefined }, drop, options);
  const all$ = merge(
    gate$.pipe(
      tap((gate) => source.pace(gate === 'x' ? WINDOW + 1 : WINDOW)),
      ignoreElements(),
    ),
    source.say$.pipe(map(({ lines }) => lines.join(''))),
    source.gather$.pipe(map((total) => String(total))),
  );
  return { source, all$ };
};

/** What is said in drawings: letters as they are, and these. */
const said: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Array.from('abgy1679', (each) => [each, each])),
  e: 'ef',
  c: 'cd',
  O: 'bcd',
  N: 'abc',
  P: 'acd',
  Q: '123',
  R: '89a',
};

describe('droppingLines', () => {
  test('says what comes, a message a line, and leaves out empty ones', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                -a-b--e-f-g-c-|', chunks);
      const { all$ } = going(chunk$, 'oldest', room(9));
      expectObservable(all$).toBe('       -a-b----e-g-c-|', said);
      expectSubscriptions(chunk$.subscriptions).toBe('^-------------!');
    });
  });

  test('reads on while the relay takes nothing; the oldest are missing then, and meanwhile it is told how many', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                        -a-b-c-----|', chunks);
      const gate$ = hot('                         x-------(o|)');
      expectObservable(going(chunk$, 'oldest', room(3), gate$).all$).toBe('-----1--O--|', said);
      expectSubscriptions(chunk$.subscriptions).toBe('^----------!');
    });
  });

  test('or the newest are', () => {
    marbles(({ hot, expectObservable }) => {
      const gate$ = hot('                  x-------(o|)');
      const chunk$ = hot('                 -a-b-c-----|', chunks);
      expectObservable(going(chunk$, 'newest', room(3), gate$).all$).toBe('-----1--N--|', said);
    });
  });

  test('tells the number whenever it has grown, once for what came together', () => {
    marbles(({ hot, expectObservable }) => {
      const gate$ = hot('                  x-----------(o|)');
      const chunk$ = hot('                 -9-a---c-|', chunks);
      expectObservable(going(chunk$, 'oldest', room(3), gate$).all$).toBe('-6-7---9----(P|)', said);
    });
  });

  test('goes on to say what waits after the input has ended, and is over only then', () => {
    const ended: boolean[] = [];
    marbles(({ hot, expectObservable }) => {
      const gate$ = hot('    x---------(o|)');
      const chunk$ = hot('   --9--|', chunks);
      const { source, all$ } = going(chunk$, 'newest', room(3), gate$);
      const seen$ = all$.pipe(tap(() => ended.push(source.ended)));
      expectObservable(seen$).toBe('--6-------(Q|)', said);
    });
    expect(ended).toStrictEqual([false, true]);
  });

  test('drops a line that no token takes', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('                                  -L-----a-|', chunks);
      expectObservable(going(chunk$, 'oldest', { turn$: of(null) }).all$).toBe('-(y1)--a-|', said);
    });
  });

  test('drops a line that no buffer takes, and goes on behind it', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('                                  -a-T-T-N-c----|', chunks);
      expectObservable(going(chunk$, 'oldest', { turn$: of(null) }).all$).toBe('-a-------(c1)-|', said);
    });
  });

  test('with `end` says what was read before a line that is too long, and then ends', () => {
    const error = new CliError(
      Exit.limit,
      'line 3 has 40000 bytes, over the limit of 32768 bytes; neither it nor what follows was sent',
      '--long cut, split or skip sends the lines behind it',
    );
    marbles(({ hot, expectObservable }) => {
      const options: DroppingOptions = { turn$: of(null), long: 'end' };
      const chunk$ = hot('                                       -aM-------', chunks);
      const gate$ = hot('                                        x------o--');
      expectObservable(going(chunk$, 'oldest', options, gate$).all$).toBe(
        '-------(b#)',
        { ...said, b: 'ab' },
        error,
      );
    });
  });

  test('what waits is the rest, once nobody has it said any more', () => {
    marbles(({ hot, expectObservable }) => {
      const { source, all$ } = going(hot('-9-a', chunks), 'oldest', room(3), hot('x'));
      const rest$ = source.rest(500).pipe(map(({ lines }) => lines.join('')));
      expectObservable(all$, '             ----!').toBe('-6-7', said);
      expectObservable(rest$, '            -----^').toBe('-----(R|)', said);
    });
  });

  test('never, empty and an error pass', () => {
    const error = new TypeError('broken');
    marbles(({ cold, expectObservable }) => {
      expectObservable(going(cold('-'), 'oldest', room(3)).all$).toBe('-');
      expectObservable(going(cold('--|'), 'oldest', room(3)).all$).toBe('--|');
      expectObservable(going(cold('-#', {}, error), 'oldest', room(3)).all$).toBe('-#', said, error);
    });
  });
});
