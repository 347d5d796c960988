import { describe, test } from '@jest/globals';
import { timer } from 'rxjs';
import { untilNow } from '../../src/cli/listening/now.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message, welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const heard: Record<string, Heard> = {
  W: welcome({ next: 3, from: 1 }),
  E: welcome({ next: 3, from: 3 }),
  V: welcome({ next: 5, from: 2 }),
  f: { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
  g: { type: 'gap', from: 1, to: 2 },
  a: message({ position: 1 }),
  1: message({ position: 2, index: 0, more: true }),
  2: message({ position: 2, index: 1 }),
  c: message({ position: 3 }),
  r: { type: 'repeated', position: 2 },
};

describe('untilNow', () => {
  test.each([
    ['the end of the turn with the last entry', ' W-a-12-c   ', 'W-a-1(2|)'],
    ['at once where there is nothing', '          E---c      ', 'E|'],
    ['not before', '                              Wa---      ', 'Wa---'],
    ['what is no longer kept', '                  W-g---c    ', 'W-g|'],
    ['a repeated message', '                      Wa-r--c    ', 'Wa-r|'],
    ['the log as it was at first', '              Wa-fV-2--c ', 'Wa-fV-2|'],
    ['its source ends before', '                  Wa|        ', 'Wa|'],
  ])('%s', (_name, drawn, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(drawn.trim(), heard).pipe(untilNow(timer(1)))).toBe(expected, heard);
    });
  });
});
