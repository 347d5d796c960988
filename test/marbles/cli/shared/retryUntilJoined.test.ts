import { describe, test } from '@jest/globals';
import { asyncScheduler, defer } from 'rxjs';
import { retryUntilJoined } from '../../../../src/cli/shared/retryUntilJoined.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import { ConnectionError, ProtocolError, RefusedError } from '../../../../streams/wire/index.js';
import { messageEvent, welcomeEvent } from '../../../support/clientEvents.js';
import { marbles } from '../../../support/marbles.js';

const events: Record<string, ClientEvent> = {
  W: welcomeEvent({}),
  m: messageEvent({}),
  f: { type: 'offline', reason: 'busy', retryMs: 1, attempt: 1 },
  b: { type: 'bye', reason: 'busy', retryMs: 1 },
};

const LINK = new ConnectionError('gone');

describe('waitingFor', () => {
  test.each([
    ['a relay that is not there yet', 2000, ['-#', '-#', '-Wm'], LINK, '1003ms Wm'],
    ['a relay that accepts and closes', 2000, ['-#', '-fb|', '-Wm'], LINK, '502ms fb 501ms Wm'],
    ['a relay that is busy', 2000, ['-#', '-Wm'], new RefusedError('busy', 'too many'), '502ms Wm'],
    ['a relay that cannot store', 2000, ['-#', '-Wm'], new RefusedError('storage', 'full'), '502ms Wm'],
    ['not longer than that', 900, ['-#', '-#', '-#', '-Wm'], LINK, '1003ms #'],
    ['not where it is not wanted', 0, ['-#', '-Wm'], LINK, '-#'],
    ['an end is an end then', 0, ['-b|', '-Wm'], LINK, '-b|'],
    ['not for a refusal that stays', 2000, ['-#', '-Wm'], new RefusedError('nick-taken', 'taken'), '-#'],
    ['not for another protocol', 2000, ['-#', '-Wm'], new ProtocolError('bad-version', 'http'), '-#'],
    ['not after the welcome', 2000, ['-Wm#', '-Wm'], LINK, '-Wm#'],
    ['not after an end behind the welcome', 2000, ['-Wm|', '-Wm'], LINK, '-Wm|'],
  ])('%s', (_name, ms, rendered, error, expected) => {
    marbles(({ cold, expectObservable }) => {
      const attempts = [...rendered];
      const event$ = defer(() => cold(attempts.shift() ?? '-', events, error));
      const now = () => asyncScheduler.now();
      expectObservable(event$.pipe(retryUntilJoined(ms, now))).toBe(expected, events, error);
    });
  });
});
