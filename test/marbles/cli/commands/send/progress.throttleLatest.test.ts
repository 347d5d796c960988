import { describe, test } from '@jest/globals';
import { EMPTY, NEVER } from 'rxjs';
import { throttleLatest } from '../../../../../src/cli/commands/send/progress.js';
import { marbles } from '../../../../support/marbles.js';

describe('atMostEvery', () => {
  test('gives the first at once, then the newest of each while, and the last one with the end', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('                         a-b-c-------d-e-|');
      expectObservable(value$.pipe(throttleLatest(6))).toBe('a-----c-----d---(e|)');
      expectSubscriptions(value$.subscriptions).toBe('^---------------!');
    });
  });

  test('does not repeat what did not change, at the end neither', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('a-a-----a-b-------|').pipe(throttleLatest(4))).toBe('a-----------b-----|');
      expectObservable(hot('a|').pipe(throttleLatest(4))).toBe('a|');
    });
  });

  test('never, empty and error pass, an error at once', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(NEVER.pipe(throttleLatest(4))).toBe('-');
      expectObservable(EMPTY.pipe(throttleLatest(4))).toBe('|');
      expectObservable(hot('a-b#').pipe(throttleLatest(9))).toBe('a--#');
    });
  });

  test('lets go of its source and its timer when nobody listens any more, and serves two sources', () => {
    const slowed = throttleLatest<string>(4);
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('a-b-c-d');
      expectObservable(value$.pipe(slowed), '---!').toBe('a--');
      expectSubscriptions(value$.subscriptions).toBe('^--!');
      expectObservable(hot('-x-y----').pipe(slowed), '-------!').toBe('-x---y-');
    });
  });
});
