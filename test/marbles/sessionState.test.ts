import { describe, test } from '@jest/globals';
import type { Heard } from '../../streams/client/conversation.js';
import { sessionState, type SessionState } from '../../streams/client/sessionState.js';
import { LinkError } from '../../streams/wire/errors.js';
import { message, welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

/** Welcome W with nothing to read and V with entries 5 and 6 to read; f: lost, 5 ms to wait. */
const heard: Record<string, Heard> = {
  W: welcome({ from: 7, next: 7 }),
  V: welcome({ from: 5, next: 7 }),
  f: { type: 'offline', reason: 'reset', retryMs: 5, attempt: 1 },
  g: { type: 'offline', reason: 'refused', retryMs: 5, attempt: 2 },
  5: message({ position: 5 }),
  6: message({ position: 6 }),
  x: message({ position: 6, index: 0, more: true }),
  y: message({ position: 6, index: 1, more: true }),
  z: message({ position: 6, index: 2 }),
  7: message({ position: 7 }),
  u: { type: 'undecryptable', position: 6, reason: 'malformed' },
  r: { type: 'repeated', position: 6 },
  j: { type: 'joined', position: 6, nicks: ['bob'], count: 1 },
  l: { type: 'left', position: 6, nicks: ['bob'], count: 1 },
  p: { type: 'gap', from: 5, to: 6 },
  a: { type: 'alarm', position: 6, reason: 'bad-signature', nick: 'bob', key: '' },
  h: { type: 'alarm', position: 6, reason: 'hole', nick: 'bob', key: '' },
  d: { type: 'said-all' },
};

const state: Record<string, SessionState> = {
  c: { type: 'connecting' },
  u: { type: 'catching-up' },
  n: { type: 'online' },
  f: { type: 'offline', attempt: 1, retryAt: 109, cause: 'reset' },
  g: { type: 'offline', attempt: 2, retryAt: 109, cause: 'refused' },
  L: { type: 'closed', reason: 'reset' },
  T: { type: 'closed', reason: 'odd' },
  X: { type: 'closed', reason: 'the relay ended it' },
};

const lost = new LinkError('reset');
const clock = { now: () => 104 };

describe('sessionState', () => {
  test.each([
    ['begins with connecting', '-', 'c'],
    ['is online at once where there is nothing to read', '-W', 'cn'],
    ['catches up where there is', '--V--5--6--7', 'c-u-----n'],
    ['says each state once', '-W-7-d', 'cn'],
    ['ends with its source', '-W-|', 'cn-(X|)'],
    ['ends with it before anything was heard', '|', '(cX|)'],
  ])('%s', (_name, drawn, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(drawn, heard).pipe(sessionState(clock))).toBe(expected, state);
    });
  });

  test.each(['6', 'u', 'r', 'j', 'l', 'p', 'a'])(
    'entry %s, the last one that was there, ends catching up',
    (last) => {
      marbles(({ hot, expectObservable }) => {
        expectObservable(hot(`-V-${last}`, heard).pipe(sessionState(clock))).toBe('cu-n', state);
      });
    },
  );

  test('an entry of several lines does with the last of them', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-V-5-x-y-z', heard).pipe(sessionState(clock))).toBe('cu-------n', state);
    });
  });

  test('an alarm beside a message does not: the message does', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-V-h-6', heard).pipe(sessionState(clock))).toBe('cu---n', state);
    });
  });

  test('connecting comes again when the wait is over, and no timer is left', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const heard$ = hot('                              -W-f------g--W-----', heard);
      const unsub = '                                   -----------------!';
      const expected = '                                cn-f----c-g--n';
      expectObservable(heard$.pipe(sessionState(clock)), unsub).toBe(expected, state);
      expectSubscriptions(heard$.subscriptions).toBe('  ^----------------!');
    });
  });

  test('a connection that is lost while catching up has to catch up anew', () => {
    marbles(({ hot, expectObservable }) => {
      const heard$ = hot('                               -V-f-V-6', heard);
      expectObservable(heard$.pipe(sessionState(clock))).toBe('cu-f-u-n', state);
    });
  });

  test('an error is the last state, and completes', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-W-#', heard, lost).pipe(sessionState(clock))).toBe('cn-(L|)', state);
      expectObservable(hot('-f-#', heard, 'odd').pipe(sessionState(clock))).toBe('cf-(T|)', state);
    });
  });

  test('each subscription has a state of its own', () => {
    marbles(({ cold, expectObservable }) => {
      const state$ = cold('           -V-6', heard).pipe(sessionState(clock));
      expectObservable(state$).toBe('cu-n', state);
      expectObservable(state$, '--^').toBe('--cu-n', state);
    });
  });

  test('is connecting as soon as a wait is cut short, and what cuts none changes nothing', () => {
    marbles(({ hot, expectObservable }) => {
      const retry$ = hot('-r-r--r----r-r');
      const heard$ = hot('--W--f----W-f-', heard);
      expectObservable(heard$.pipe(sessionState({ ...clock, retry$ }))).toBe('c-n--fc---n-fc', state);
    });
  });
});
