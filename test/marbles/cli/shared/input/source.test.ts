import { expect, test } from '@jest/globals';
import { Subject, type Subscription } from 'rxjs';
import { lineSource, MAX_UNCONFIRMED_BYTES } from '../../../../../src/cli/shared/input/source.js';
import { marbles } from '../../../../support/marbles.js';
import { bytes } from '../../../../support/wire.js';

/** A source of lines, and whether its input is read. */
const openSource = () => {
  const chunk$ = new Subject<Uint8Array>();
  let isRead = false;
  const input = {
    chunk$,
    pause: () => {
      isRead = false;
    },
    resume: () => {
      isRead = true;
    },
  };
  return { chunk$, source: lineSource(input), isRead: () => isRead };
};

const FULL = MAX_UNCONFIRMED_BYTES + 1;

test('lineSource reads while somebody takes messages, and not while too much waits', () => {
  const { source, isRead } = openSource();
  source.applyBackpressure(0);
  expect(isRead()).toBe(false);
  const first: Subscription = source.message$.subscribe();
  expect(isRead()).toBe(true);
  source.applyBackpressure(FULL);
  expect(isRead()).toBe(false);
  source.applyBackpressure(0);
  expect(isRead()).toBe(true);
  first.unsubscribe();
  expect(isRead()).toBe(false);
  // What was sent before gets its receipt.
  source.applyBackpressure(0);
  expect(isRead()).toBe(false);
  source.message$.subscribe();
  expect(isRead()).toBe(true);
});

test('lineSource reads the remaining input for a time, and then no more, so that a process can end', () => {
  marbles(({ cold, expectObservable, flush }) => {
    const { chunk$, source, isRead } = openSource();
    source.message$.subscribe().unsubscribe();
    source.applyBackpressure(FULL);
    cold('--a').subscribe(() => {
      expect(isRead()).toBe(true);
      chunk$.next(bytes('a', 'b'));
    });
    expectObservable(source.remaining(500)).toBe('--m 497ms |', { m: { lines: ['a', 'b'] } });
    flush();
    expect(isRead()).toBe(false);
  });
});
