import { describe, test } from '@jest/globals';
import { shareSession } from '../../streams/client/shareSession.js';
import { marbles } from '../support/marbles.js';

describe('shareSession', () => {
  test('makes one for all, which late subscribers get at once, and leaves it with the last', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s');
      const shared$ = session$.pipe(shareSession());
      expectObservable(shared$, '           ^---!').toBe('s');
      expectObservable(shared$, '           --^------!').toBe('--s');
      expectObservable(shared$, '           -----------^--!').toBe('-----------s');
      expectSubscriptions(session$.subscriptions).toBe(['^--------!', '-----------^--!']);
    });
  });

  test('lingers', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s');
      const shared$ = session$.pipe(shareSession({ linger: 5 }));
      expectObservable(shared$, '           ^---!').toBe('s');
      expectObservable(shared$, '           ------^--!').toBe('------s');
      expectSubscriptions(session$.subscriptions).toBe('^-------------!');
    });
  });

  test('an error is for all, and the next subscriber begins anew', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const session$ = cold('               s--#');
      const shared$ = session$.pipe(shareSession());
      expectObservable(shared$).toBe('      s--#');
      expectObservable(shared$, '           ----^').toBe('----s--#');
      expectSubscriptions(session$.subscriptions).toBe(['^--!', '----^--!']);
    });
  });
});
