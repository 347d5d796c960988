import { describe, test } from '@jest/globals';
import { asyncScheduler, filter, map, tap, timer } from 'rxjs';
import { serveConnection } from '../../../../streams/relay/connection/serveConnection.js';
import { SharedReadControl } from '../../../../streams/relay/connection/rateLimit.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { fakeHistory } from '../../../support/fakeHistory.js';
import { marbles } from '../../../support/marbles.js';
import { relayFixture } from '../../../support/relayFixture.js';
import { bytes, nonce, clientBytes, describeEvent, token, verify } from '../../../support/wire.js';

const actions = { p: 'pause', r: 'resume' };

describe('readControl with a shared flow', () => {
  test('resumes reading once every caller that paused it has resumed it', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection();
      const both = new SharedReadControl(connection);
      const action$ = hot('                 -p-p-r-r-p-r', actions).pipe(
        tap((action) => both[action as 'pause' | 'resume']()),
        map(() => (both.isPaused ? 'h' : 'f')),
      );
      expectObservable(action$).toBe('      -h-h-h-f-h-f');
      expectObservable(connection.flow$).toBe('-p-----r-p-r', actions);
    });
  });
});

describe('a member whose connection is paused', () => {
  test('is not silent when it is paused for exceeding its rate, and gets one PING per heartbeat', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('-A-m', {
        ...clientBytes,
        m: bytes(...Array.from({ length: 5 }, () => token('x'))),
      });
      const operator = serveConnection({
        nonce,
        verify,
        heartbeatMs: 10,
        lineRate: { perSecond: 100, burst: 1 },
      });
      const reported$ = operator(fakeConnection({ chunk$ })).pipe(
        map(describeEvent),
        map((text) => text.replace(/: x.*/, ' tokens')),
      );
      // 50 ms of debt at 3: paused until 53. Ticks are at 5, 10, …: a PING at each 2nd, a leave at the 4th after 53.
      expectObservable(reported$).toBe('-j-t 6ms q 9ms q 9ms q 9ms q 9ms q 9ms q 9ms (l|)', {
        j: 'alice join',
        t: 'alice tokens',
        q: 'alice idle',
        l: 'alice leave: the connection is silent',
      });
    });
  });

  test('is not silent when a commit takes longer than two heartbeats', () => {
    marbles(({ hot, expectObservable }) => {
      const flood = bytes(...Array.from({ length: 1 + Math.floor(1_048_576 / 101) }, () => token('x')));
      const history = fakeHistory({ commitDelay: () => timer(asyncScheduler.now() < 20 ? 1 : 200) });
      const chunk$ = hot('-A 18ms m', { ...clientBytes, m: flood });
      const reported$ = hot('a', { a: fakeConnection({ chunk$ }) }).pipe(
        relayFixture({ history, heartbeatMs: 60 }),
        filter((text) => /disconnected|stored/.test(text)),
        map((text) => text.slice(0, 'alice stored'.length)),
      );
      expectObservable(reported$, '230ms !').toBe('220ms s', { s: 'alice stored' });
    });
  });
});
