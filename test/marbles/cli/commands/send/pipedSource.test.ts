import { describe, expect, test } from '@jest/globals';
import { ignoreElements, map, merge, type Observable, of, tap } from 'rxjs';
import {
  type DropPolicy,
  lossyLines,
  type LossyOptions,
} from '../../../../../src/cli/commands/send/pipedSource.js';
import { MAX_UNCONFIRMED_BYTES } from '../../../../../src/cli/shared/input/source.js';
import { CliError, Exit } from '../../../../../src/cli/process/exit.js';
import { encodeText } from '../../../../../streams/wire/encoding.js';
import { marbles } from '../../../../support/marbles.js';
import { bytes } from '../../../../support/wire.js';

const chunks: Record<string, Uint8Array> = {
  a: bytes('a'),
  b: bytes('b'),
  c: bytes('c', 'd'),
  // Each is half a line.
  e: encodeText('e'),
  f: encodeText('f\n'),
  g: bytes('', 'g', ''),
  '9': bytes('1', '2', '3', '4', '5', '6', '7', '8', '9'),
  L: bytes('x'.repeat(40_000), 'y'),
  M: bytes('b', 'x'.repeat(40_000), 'y'),
  T: encodeText('x'.repeat(70_000)),
  N: encodeText('\n'),
};

/**
 * Options that let that many letters wait. A letter takes four bytes as JSON with its separator. The tick ends at
 * once.
 */
const room = (letters: number): LossyOptions => ({ limitBytes: 4 * letters, endOfTick$: of(null) });

/**
 * Emits the sent lines, and the number of dropped lines as digits. The relay reads nothing from `x` to `o` of a
 * drawing.
 */
const going = (
  chunk$: Observable<Uint8Array>,
  drop: DropPolicy,
  options: LossyOptions,
  barrier$: Observable<string> = of('o'),
) => {
  const pause = () => {
    throw new Error('its writer would wait');
  };
  const source = lossyLines({ chunk$, pause, resume: () => undefined }, drop, options);
  const all$ = merge(
    barrier$.pipe(
      tap((barrier) =>
        source.applyBackpressure(barrier === 'x' ? MAX_UNCONFIRMED_BYTES + 1 : MAX_UNCONFIRMED_BYTES),
      ),
      ignoreElements(),
    ),
    source.message$.pipe(map(({ lines }) => lines.join(''))),
    source.droppedCount$.pipe(map((total) => String(total))),
  );
  return { source, all$ };
};

/** Sent lines in drawings: letters as they are, and these. */
const sent: Readonly<Record<string, string>> = {
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
      expectObservable(all$).toBe('       -a-b----e-g-c-|', sent);
      expectSubscriptions(chunk$.subscriptions).toBe('^-------------!');
    });
  });

  test('reads on while the relay takes nothing; it drops the oldest lines, and reports their number', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                        -a-b-c-----|', chunks);
      const barrier$ = hot('                         x-------(o|)');
      expectObservable(going(chunk$, 'oldest', room(3), barrier$).all$).toBe('-----1--O--|', sent);
      expectSubscriptions(chunk$.subscriptions).toBe('^----------!');
    });
  });

  test('or the newest are', () => {
    marbles(({ hot, expectObservable }) => {
      const barrier$ = hot('                  x-------(o|)');
      const chunk$ = hot('                 -a-b-c-----|', chunks);
      expectObservable(going(chunk$, 'newest', room(3), barrier$).all$).toBe('-----1--N--|', sent);
    });
  });

  test('tells the number whenever it has grown, once for what came together', () => {
    marbles(({ hot, expectObservable }) => {
      const barrier$ = hot('                  x-----------(o|)');
      const chunk$ = hot('                 -9-a---c-|', chunks);
      expectObservable(going(chunk$, 'oldest', room(3), barrier$).all$).toBe('-6-7---9----(P|)', sent);
    });
  });

  test('goes on to say what waits after the input has ended, and is over only then', () => {
    const ended: boolean[] = [];
    marbles(({ hot, expectObservable }) => {
      const barrier$ = hot('    x---------(o|)');
      const chunk$ = hot('   --9--|', chunks);
      const { source, all$ } = going(chunk$, 'newest', room(3), barrier$);
      const seen$ = all$.pipe(tap(() => ended.push(source.isEnded)));
      expectObservable(seen$).toBe('--6-------(Q|)', sent);
    });
    expect(ended).toStrictEqual([false, true]);
  });

  test('drops a line that no token takes', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('                                  -L-----a-|', chunks);
      expectObservable(going(chunk$, 'oldest', { endOfTick$: of(null) }).all$).toBe('-(y1)--a-|', sent);
    });
  });

  test('drops a line that no buffer takes, and goes on behind it', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('                                  -a-T-T-N-c----|', chunks);
      expectObservable(going(chunk$, 'oldest', { endOfTick$: of(null) }).all$).toBe('-a-------(c1)-|', sent);
    });
  });

  test('with `end` says what was read before a line that is too long, and then ends', () => {
    const error = new CliError(
      Exit.limit,
      'line 3 has 40000 bytes, over the limit of 32768 bytes; neither it nor what follows was sent',
      'use --long cut, split or skip to send the lines after it',
    );
    marbles(({ hot, expectObservable }) => {
      const options: LossyOptions = { endOfTick$: of(null), longLines: 'end' };
      const chunk$ = hot('                                       -aM-------', chunks);
      const barrier$ = hot('                                        x------o--');
      expectObservable(going(chunk$, 'oldest', options, barrier$).all$).toBe(
        '-------(b#)',
        { ...sent, b: 'ab' },
        error,
      );
    });
  });

  test('what waits is the rest, once nobody has it said any more', () => {
    marbles(({ hot, expectObservable }) => {
      const { source, all$ } = going(hot('-9-a', chunks), 'oldest', room(3), hot('x'));
      const rest$ = source.remaining(500).pipe(map(({ lines }) => lines.join('')));
      expectObservable(all$, '             ----!').toBe('-6-7', sent);
      expectObservable(rest$, '            -----^').toBe('-----(R|)', sent);
    });
  });

  test('never, empty and an error pass', () => {
    const error = new TypeError('broken');
    marbles(({ cold, expectObservable }) => {
      expectObservable(going(cold('-'), 'oldest', room(3)).all$).toBe('-');
      expectObservable(going(cold('--|'), 'oldest', room(3)).all$).toBe('--|');
      expectObservable(going(cold('-#', {}, error), 'oldest', room(3)).all$).toBe('-#', sent, error);
    });
  });
});
