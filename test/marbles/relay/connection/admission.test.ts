import { describe, expect, test } from '@jest/globals';
import { filter, map } from 'rxjs';
import { admission, type AdmissionRules } from '../../../../streams/relay/connection/admission.js';
import type { RelayRules } from '../../../../streams/relay/relayOptions.js';
import { connectionPair } from '../../../../streams/wire/connection.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';
import { relayFixture } from '../../../support/relayFixture.js';
import {
  bytes,
  CELLAR,
  clientBytes,
  hello,
  LOBBY,
  nonce,
  relayEvents,
  verify,
} from '../../../support/wire.js';

const values = {
  ...relayEvents,
  f: 'rejected: the relay has too many connections',
  n: 'rejected: room-not-allowed',
};

describe('a relay whose rules are replaced', () => {
  test('applies them to connections from then on, and ends nobody', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('-A--------x---', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('  --------------', clientBytes) });
      const carol = fakeConnection({ chunk$: hot('--------------', clientBytes) });
      const connection$ = hot('                   a-----b-----c-', { a: alice, b: bob, c: carol });
      const rules$ = hot<AdmissionRules>('        -----1-----0--', {
        1: { limits: { maxConnections: 1 } },
        0: {},
      });
      const event$ = connection$.pipe(relayFixture({ rules$ }));
      expectObservable(event$, '                  -------------!').toBe('-(JA)-f---x', values);
    });
  });

  test('decides about a join by the rules of that moment', () => {
    marbles(({ hot, expectObservable }) => {
      const early = fakeConnection({ chunk$: hot('----x', { x: bytes(hello('alice')) }) });
      const late = fakeConnection({ chunk$: hot(' -----x', { x: bytes(hello('bob', { room: CELLAR })) }) });
      const connection$ = hot('                   (el)----', { e: early, l: late });
      const rules$ = hot<AdmissionRules>('        --r-----', { r: { allowedRooms: new Set([CELLAR]) } });
      const event$ = connection$.pipe(relayFixture({ rules$, allowedRooms: new Set([LOBBY]) }));
      expectObservable(event$, '                  ---------!').toBe('----n(KB)', values);
    });
  });

  test('applies new rates to open connections, and resumes those that may send again', () => {
    marbles(({ hot, expectObservable }) => {
      // Lines per second: 3, then one in 10 ms.
      const lineRate = { perSecond: 0.1, burst: 2 };
      const alice = fakeConnection({ chunk$: hot('-A-xy---xy--------xy', clientBytes) });
      const connection$ = hot('                   a', { a: alice });
      const rules$ = hot<AdmissionRules>('        -----n------m-------', {
        n: { limits: {} },
        m: { limits: { lineRate: { perSecond: 100, burst: 1 } } },
      });
      const event$ = connection$.pipe(
        relayFixture({ rules$, lineRate }),
        filter((event) => event !== '+alice'),
      );
      const flow = { p: 'pause', r: 'resume' };
      expectObservable(alice.flow$, '             ----------------------!').toBe(
        '----pr-------------p',
        flow,
      );
      expectObservable(event$, '                  ----------------------!').toBe('-E-xy---xy--------xy', {
        ...values,
        E: 'alice joined',
      });
    });
  });

  test('gives clients that have not joined the new time for their answer, from then on', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('-A------------', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('  --------------', clientBytes) });
      const connection$ = hot('                   (ab)----------', { a: alice, b: bob });
      const rules$ = hot<AdmissionRules>('        -------t------', { t: { handshakeTimeoutMs: 5 } });
      const event$ = connection$.pipe(relayFixture({ rules$, handshakeTimeoutMs: 9 }));
      expectObservable(event$, '                  --------------!').toBe('-(JA)-------t', {
        ...values,
        t: 'rejected: timeout',
      });
    });
  });

  test('shrinks the windows to a new memory limit at once', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('-A---------', clientBytes) });
      const connection$ = hot('                   a----------', { a: alice });
      const rules$ = hot<RelayRules>('        -------m---', { m: { limits: { memoryLimitBytes: 1 } } });
      const sample$ = hot('                       ------s-s--');
      const event$ = connection$.pipe(
        relayFixture({ rules$, sample$ }),
        map((event) => event.replace(/^.*(windowBytes:\d+).*$/, '$1')),
      );
      expectObservable(event$, '                  -----------!').toBe('-(JA)-f-e', {
        ...values,
        f: 'windowBytes:4096',
        e: 'windowBytes:0',
      });
    });
  });

  test('completes with its connections, whatever its rules do', () => {
    marbles(({ hot, expectObservable }) => {
      const connection$ = hot<never>('--|');
      expectObservable(connection$.pipe(relayFixture({ rules$: hot<AdmissionRules>('----') }))).toBe('--|');
    });
  });
});

test('a new rate of joins starts with its whole burst', () => {
  const joinRate = { perSecond: 0.001, burst: 1 };
  const { limiter, setRules } = admission({ nonce, verify }, { limits: { joinRate } }, new Set());
  const { peer } = connectionPair()[0];
  expect([limiter.tryTake(peer), limiter.tryTake(peer)]).toStrictEqual([true, false]);
  setRules({ limits: { joinRate } });
  expect([limiter.tryTake(peer), limiter.tryTake(peer)]).toStrictEqual([true, false]);
});
