import { describe, expect, test } from '@jest/globals';
import { filter, of } from 'rxjs';
import { encodeText } from '../../../streams/wire/encoding.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { bytes, relayEvents, relayLines, clientBytes, splitLines, token } from '../../support/wire.js';

const out = { ...relayEvents, p: 'alice pinged' };

const linesOf = (...writes: string[]): string[] => splitLines(encodeText(writes.join('')));

describe('a slow reader of the relay', () => {
  test('delays nobody, and catches up with one larger write', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const writable$ = hot('                         ----------------------w');
      const alice = fakeConnection({ chunk$: hot('    ---A---------x-y-z', clientBytes) });
      const bob = fakeConnection({
        chunk$: hot('      --------B', clientBytes),
        writable$,
        writeResults: 'yyyn',
      });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(WA)-B----x-y-z', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)-x--------(yz)', relayLines);
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)-(KB)-x-y-x', out);
      flush();
      expect(bob.writes.slice(3).map((text) => linesOf(text).length)).toStrictEqual([1, 2]);
    });
  });

  test.each(['the drain first', 'the notice first'])(
    'loses no notification when it drains in the frame of the next line: %s',
    (order) => {
      marbles(({ hot, expectObservable }) => {
        // Of two drawings the one created first emits first within a frame.
        const drain = () => hot('                       ---------------w--');
        const early$ = order === 'the drain first' ? drain() : undefined;
        const alice = fakeConnection({ chunk$: hot('    ---A---------x-y-z', clientBytes) });
        const writable$ = early$ ?? drain();
        const bob = fakeConnection({
          chunk$: hot('      --------B', clientBytes),
          writable$,
          writeResults: 'yyyn',
        });
        const connection$ = hot('                       ab', { a: alice, b: bob });
        const relayed$ = connection$.pipe(relayFixture({ endOfTick$: of(0) }));
        expectObservable(relayed$).toBe('               ---(JA)-(KB)-x-y-x', out);
        expectObservable(bob.line$).toBe('              -N------(WB)-x-y-z', relayLines);
      });
    },
  );

  test('gets exactly one GAP line when it falls out of the window, and continues', () => {
    marbles(({ hot, expectObservable, flush }) => {
      // 4 slabs of 1 KiB, one chunk of ten lines each: the sender fills six while the reader reads nothing.
      const ten = (from: number) => bytes(...Array.from({ length: 10 }, (_, n) => token(`${from + n}`)));
      const burst = { ...clientBytes, 1: ten(4), 2: ten(14), 3: ten(24), 4: ten(34), 5: ten(44), 6: ten(54) };
      const writable$ = hot('                         ----------------------w');
      const alice = fakeConnection({ chunk$: hot('    ---A---------x-123456----y', burst) });
      const bob = fakeConnection({
        chunk$: hot('      --------B', clientBytes),
        writable$,
        writeResults: 'yyyn',
      });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const relayed$ = connection$.pipe(
        relayFixture({ windowBytes: 4096 }),
        filter((text) => /joined$|stored 1$/.test(text)),
      );
      expectObservable(relayed$).toBe('               ---J----K----x-----------y', out);
      flush();
      const burstLines = Array.from({ length: 60 }, (_, n) => token(`${4 + n}`));
      const all = ['+alice', '+bob', token('x'), ...burstLines, token('y')];
      expect(linesOf(...alice.writes.slice(2))).toStrictEqual(all);
      expect(linesOf(...bob.writes.slice(2))).toStrictEqual([
        ...all.slice(1, 3),
        'GAP 4 23',
        ...all.slice(23),
      ]);
    });
  });
});

describe('a PING to the relay', () => {
  test('is answered with the last position written to that member', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A----p-x-p', clientBytes) });
      const connection$ = hot('                       a', { a: alice });
      expectObservable(alice.line$).toBe('            N--(WA)-1-x-2', {
        ...relayLines,
        1: 'PONG 1',
        2: 'PONG 2',
      });
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)-p-x-p', out);
    });
  });

  test('is answered once when several came while the sink was full', () => {
    marbles(({ hot, expectObservable }) => {
      const writable$ = hot('                         --------------w');
      const alice = fakeConnection({
        chunk$: hot('    ---A----x-ppp---y', clientBytes),
        writable$,
        writeResults: 'yyyn',
      });
      const connection$ = hot('                       a', { a: alice });
      expectObservable(alice.line$).toBe('            N--(WA)-x-----2-y', { ...relayLines, 2: 'PONG 2' });
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)-x-ppp---y', out);
    });
  });
});
