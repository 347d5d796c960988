import { describe, test } from '@jest/globals';
import { asyncScheduler, filter, map, tap, timer } from 'rxjs';
import { admission } from '../../streams/relay/admission.js';
import { SharedFlow } from '../../streams/relay/flow.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { fakeHistory } from '../support/fakeHistory.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, nonce, said, tell, token, verify } from '../support/wire.js';

const deeds = { p: 'pause', r: 'resume' };

describe('a shared flow', () => {
  test('reads on once each who paused it has resumed it', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection();
      const both = new SharedFlow(connection);
      const deed$ = hot('                 -p-p-r-r-p-r', deeds).pipe(
        tap((deed) => both[deed as 'pause' | 'resume']()),
        map(() => (both.isHeld ? 'h' : 'f')),
      );
      expectObservable(deed$).toBe('      -h-h-h-f-h-f');
      expectObservable(connection.flow$).toBe('-p-----r-p-r', deeds);
    });
  });
});

describe('a member that is not read', () => {
  test('because it said too much is not silent, and is asked once a heartbeat', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('-A-m', { ...said, m: bytes(...Array.from({ length: 5 }, () => token('x'))) });
      const operator = admission({ nonce, verify, heartbeat: 10, lineRate: { perSecond: 100, burst: 1 } });
      const told$ = operator(fakeConnection({ chunk$ })).pipe(
        map(tell),
        map((text) => text.replace(/: x.*/, ' tokens')),
      );
      // 50 ms of debt at 3: not read up to 53. Ticks are at 5, 10, …: asked at each 2nd, and gone at the 4th after 53.
      expectObservable(told$).toBe('-j-t 6ms q 9ms q 9ms q 9ms q 9ms q 9ms q 9ms (l|)', {
        j: 'alice join',
        t: 'alice tokens',
        q: 'alice quiet',
        l: 'alice leave: nothing was heard for 20 ms',
      });
    });
  });

  test('because a commit takes longer than two heartbeats is not silent', () => {
    marbles(({ hot, expectObservable }) => {
      const flood = bytes(...Array.from({ length: 1 + Math.floor(1_048_576 / 101) }, () => token('x')));
      const history = fakeHistory({ delay: () => timer(asyncScheduler.now() < 20 ? 1 : 200) });
      const chunk$ = hot('-A 18ms m', { ...said, m: flood });
      const told$ = hot('a', { a: fakeConnection({ chunk$ }) }).pipe(
        serving({ history, heartbeat: 60 }),
        filter((text) => /left|stored/.test(text)),
        map((text) => text.slice(0, 'alice left'.length)),
      );
      expectObservable(told$, '230ms !').toBe('220ms s', { s: 'alice stor' });
    });
  });
});
