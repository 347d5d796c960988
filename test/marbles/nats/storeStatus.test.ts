import { test } from '@jest/globals';
import { NEVER } from 'rxjs';
import { storeStatus } from '../../../src/nats/storeStatus.js';
import { marbles } from '../../support/marbles.js';

const status = { t: true, f: false };
const never = { stored$: NEVER, failed$: NEVER };

test('the store that is connected at first is no change', () => {
  marbles(({ hot, expectObservable }) => {
    expectObservable(storeStatus(hot('t---', status), never)).toBe('----');
  });
});

test('a store that accepts connections and stores nothing is lost once', () => {
  marbles(({ hot, expectObservable }) => {
    const connected$ = hot('t-f 8s t 8s f 8s t 8s f', status);
    expectObservable(storeStatus(connected$, never), '40s !').toBe('--f', status);
  });
});

test('the store is back at the first append that is stored after the connection', () => {
  marbles(({ hot, expectObservable }) => {
    const connected$ = hot(' t-f--t-----f', status);
    const stored$ = hot('    -s----s-s----');
    expectObservable(storeStatus(connected$, { stored$, failed$: NEVER }), '14s !').toBe(
      '--f---t----f',
      status,
    );
  });
});

test('without appends, the store is back after a connection of 15 s', () => {
  marbles(({ hot, expectObservable }) => {
    const connected$ = hot('t-f-t', status);
    expectObservable(storeStatus(connected$, never), '20s !').toBe('--f 15001ms t', status);
  });
});

test('a failed append postpones the return of the store', () => {
  marbles(({ hot, expectObservable }) => {
    const connected$ = hot('t-f-t', status);
    const failed$ = hot('   ----- 10s x 10s x');
    expectObservable(storeStatus(connected$, { stored$: NEVER, failed$ }), '36s !').toBe(
      '--f 35003ms t',
      status,
    );
  });
});

test('unsubscribing stops the timer', () => {
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const connected$ = hot('t-f-t', status);
    expectObservable(storeStatus(connected$, never), '---------!').toBe('--f', status);
    expectSubscriptions(connected$.subscriptions).toBe('^--------!');
  });
});
