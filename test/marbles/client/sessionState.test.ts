import { describe, test } from '@jest/globals';
import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import { sessionState, type SessionState } from '../../../streams/client/sessionState.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { messageEvent, welcomeEvent } from '../../support/clientEvents.js';
import { marbles } from '../../support/marbles.js';

const MEMBER = { key: '', device: '', label: '' };

/** Welcome W with nothing to read, and V with entries 5 and 6 to read; f is offline, with a retry after 5 ms. */
const events: Record<string, ClientEvent> = {
  W: welcomeEvent({ from: 7, next: 7 }),
  V: welcomeEvent({ from: 5, next: 7 }),
  f: { type: 'offline', reason: 'reset', retryMs: 5, attempt: 1 },
  g: { type: 'offline', reason: 'refused', retryMs: 5, attempt: 2 },
  5: messageEvent({ position: 5 }),
  6: messageEvent({ position: 6 }),
  x: messageEvent({ position: 6, index: 0, more: true }),
  y: messageEvent({ position: 6, index: 1, more: true }),
  z: messageEvent({ position: 6, index: 2 }),
  7: messageEvent({ position: 7 }),
  u: { type: 'undecryptable', position: 6, reason: 'malformed' },
  r: { type: 'duplicate', position: 6 },
  j: { type: 'joined', position: 6, nicks: ['bob'], count: 1 },
  l: { type: 'left', position: 6, nicks: ['bob'], count: 1 },
  p: { type: 'gap', from: 5, to: 6 },
  a: { type: 'alarm', position: 6, reason: 'bad-signature', nick: 'bob', key: '' },
  h: { type: 'alarm', position: 6, reason: 'hole', nick: 'bob', key: '' },
  d: { type: 'input-complete' },
  // In a group room.
  v: { type: 'void', position: 6 },
  k: { type: 'handshake', position: 6 },
  R: { type: 'rejected', position: 6, reason: 'malformed' },
  b: { type: 'behind', position: 6, epoch: 2 },
  o: { type: 'forgotten', position: 6 },
  U: { type: 'unread', position: 6 },
  q: { type: 'leaving', position: 6, member: MEMBER },
  B: { type: 'before-join', from: 5, to: 6 },
  e: {
    type: 'epoch',
    position: 6,
    epoch: 1,
    change: 'joined',
    by: MEMBER,
    removed: [],
    own: true,
    members: [MEMBER],
    code: '',
    moved: false,
  },
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

const lost = new ConnectionError('reset');
const clock = { now: () => 104 };

describe('sessionState', () => {
  test.each([
    ['begins with connecting', '-', 'c'],
    ['is online at once where there is nothing to read', '-W', 'cn'],
    ['catches up where there is', '--V--5--6--7', 'c-u-----n'],
    ['says each state once', '-W-7-d', 'cn'],
    ['ends with its source', '-W-|', 'cn-(X|)'],
    ['ends with it before anything was heard', '|', '(cX|)'],
  ])('%s', (_name, rendered, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(rendered, events).pipe(sessionState(clock))).toBe(expected, state);
    });
  });

  test.each(['6', 'u', 'r', 'j', 'l', 'p', 'a', 'v', 'k', 'R', 'b', 'o', 'U', 'q', 'B', 'e'])(
    'sessionState is online after the last entry from before the join: %s',
    (last) => {
      marbles(({ hot, expectObservable }) => {
        expectObservable(hot(`-V-${last}`, events).pipe(sessionState(clock))).toBe('cu-n', state);
      });
    },
  );

  test('sessionState is online after the last line of that entry', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-V-5-x-y-z', events).pipe(sessionState(clock))).toBe('cu-------n', state);
    });
  });

  test('sessionState is online after the message of an alarm, not after the alarm', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-V-h-6', events).pipe(sessionState(clock))).toBe('cu---n', state);
    });
  });

  test('sessionState is connecting after the delay, and no timer remains', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const event$ = hot('                              -W-f------g--W-----', events);
      const unsub = '                                   -----------------!';
      const expected = '                                cn-f----c-g--n';
      expectObservable(event$.pipe(sessionState(clock)), unsub).toBe(expected, state);
      expectSubscriptions(event$.subscriptions).toBe('  ^----------------!');
    });
  });

  test('sessionState catches up again after a connection that was lost while catching up', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('                               -V-f-V-6', events);
      expectObservable(event$.pipe(sessionState(clock))).toBe('cu-f-u-n', state);
    });
  });

  test('sessionState completes with closed when the events error', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-W-#', events, lost).pipe(sessionState(clock))).toBe('cn-(L|)', state);
      expectObservable(hot('-f-#', events, 'odd').pipe(sessionState(clock))).toBe('cf-(T|)', state);
    });
  });

  test('sessionState has a state for each subscription', () => {
    marbles(({ cold, expectObservable }) => {
      const state$ = cold('           -V-6', events).pipe(sessionState(clock));
      expectObservable(state$).toBe('cu-n', state);
      expectObservable(state$, '--^').toBe('--cu-n', state);
    });
  });

  test('sessionState is connecting when retry$ ends the delay, and ignores it otherwise', () => {
    marbles(({ hot, expectObservable }) => {
      const retry$ = hot('-r-r--r----r-r');
      const event$ = hot('--W--f----W-f-', events);
      expectObservable(event$.pipe(sessionState({ ...clock, retry$ }))).toBe('c-n--fc---n-fc', state);
    });
  });
});
