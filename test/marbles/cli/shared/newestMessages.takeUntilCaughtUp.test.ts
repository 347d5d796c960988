import { describe, test } from '@jest/globals';
import { timer } from 'rxjs';
import { takeUntilCaughtUp } from '../../../../src/cli/shared/newestMessages.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../support/clientEvents.js';
import { marbles } from '../../../support/marbles.js';

const events: Record<string, ClientEvent> = {
  W: welcomeEvent({ next: 3, from: 1 }),
  E: welcomeEvent({ next: 3, from: 3 }),
  V: welcomeEvent({ next: 5, from: 2 }),
  f: { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
  g: { type: 'gap', from: 1, to: 2 },
  a: messageEvent({ position: 1 }),
  1: messageEvent({ position: 2, index: 0, more: true }),
  2: messageEvent({ position: 2, index: 1 }),
  c: messageEvent({ position: 3 }),
  d: messageEvent({ position: 4 }),
  r: { type: 'duplicate', position: 2 },
  m: { type: 'invite-changed', secret: new Uint8Array(32) },
};

describe('untilNow', () => {
  test.each([
    ['the end of the turn with the last entry', ' W-a-12-c   ', 'W-a-1(2|)'],
    ['at once where there is nothing', '          E---c      ', 'E|'],
    ['not before', '                              Wa---      ', 'Wa---'],
    ['what is no longer kept', '                  W-g---c    ', 'W-g|'],
    ['a repeated message', '                      Wa-r--c    ', 'Wa-r|'],
    ['the log as it was at first', '              Wa-fV-2--c ', 'Wa-fV-2|'],
    ['the log to which the room moved in that turn', 'W-a-(2m)V-2-c-d-c', 'W-a-(2m)V-2-c-d|'],
    ['its source ends before', '                  Wa|        ', 'Wa|'],
  ])('%s', (_name, rendered, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(rendered.trim(), events).pipe(takeUntilCaughtUp(timer(1)))).toBe(expected, events);
    });
  });
});
