import { describe, test } from '@jest/globals';
import { shareSession } from '../../../streams/client/session.js';
import { marbles } from '../../support/marbles.js';

describe('shareSession', () => {
  test('shareSession shares one session, and ends it with the last subscriber', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s');
      const shared$ = session$.pipe(shareSession());
      expectObservable(shared$, '           ^---!').toBe('s');
      expectObservable(shared$, '           --^------!').toBe('--s');
      expectObservable(shared$, '           -----------^--!').toBe('-----------s');
      expectSubscriptions(session$.subscriptions).toBe(['^--------!', '-----------^--!']);
    });
  });

  test('shareSession keeps a session for keepAliveMs', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s');
      const shared$ = session$.pipe(shareSession({ keepAliveMs: 5 }));
      expectObservable(shared$, '           ^---!').toBe('s');
      expectObservable(shared$, '           ------^--!').toBe('------s');
      expectSubscriptions(session$.subscriptions).toBe('^-------------!');
    });
  });

  test('shareSession errors for all subscribers, and the next one creates a session', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s--#');
      const shared$ = session$.pipe(shareSession());
      expectObservable(shared$).toBe('      s--#');
      expectObservable(shared$, '           ----^').toBe('----s--#');
      expectSubscriptions(session$.subscriptions).toBe(['^--!', '----^--!']);
    });
  });
});
