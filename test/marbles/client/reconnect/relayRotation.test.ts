import { describe, expect, test } from '@jest/globals';
import { concat, defer, map, NEVER, type Observable, of, switchMap, take, throwError, timer } from 'rxjs';
import { relayRotation } from '../../../../streams/client/reconnect/relayRotation.js';
import type { Connection } from '../../../../streams/wire/connection.js';
import { ConnectionError, ProtocolError, RefusedError } from '../../../../streams/wire/errors.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';

const closed = new ConnectionError('the relay closed the connection');

const unreachable = (name: string): Observable<never> =>
  throwError(() => new ConnectionError(`cannot reach ${name}`));

/** Events in drawings: `w` is a welcome, `b` a `BYE`, and others are messages. */
const event: Record<string, { readonly type: string }> = {
  w: { type: 'welcome' },
  b: { type: 'bye' },
  ...Object.fromEntries(['1', '2', '3'].map((text) => [text, { type: text }])),
};

/** Creates the rotation of relays: each is what joining it emits, or an observable that never connects. */
const rotationOf = (
  ...relays: readonly (Observable<unknown> | { readonly joined$: Observable<unknown> })[]
) => {
  const joins = new Map<Connection, Observable<unknown>>();
  const rotation = relayRotation(
    relays.map((relay) => {
      if (!('joined$' in relay)) return relay as Observable<never>;
      const connection = fakeConnection();
      joins.set(connection, relay.joined$);
      return of(connection);
    }),
  );
  const join = (relay$: Observable<Connection>) =>
    relay$.pipe(switchMap((connection) => joins.get(connection) as Observable<{ readonly type: string }>));
  return { rotation, joined$: rotation.connect(join) };
};

const names = (source$: Observable<{ readonly type: string }>) =>
  source$.pipe(map(({ type }) => ({ welcome: 'w', bye: 'b' })[type] ?? type));

describe('a rotation of relays', () => {
  test('the first relay is used while it welcomes', () => {
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf({ joined$: cold('-w-1-#', event, closed) }, { joined$: NEVER });
      expectObservable(names(joined$)).toBe('     -w-1-#', undefined, closed);
    });
  });

  test('the next relay follows at once if one cannot be reached, refuses for now or says BYE', () => {
    const refused = new RefusedError('storage', 'the store is away');
    const stranger = new ProtocolError('bad-line', 'this is not a relay');
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf(
        unreachable('a'),
        { joined$: cold('  --#', event, refused) },
        { joined$: cold('    --b', event) },
        { joined$: cold('      -#', event, stranger) },
        { joined$: cold('       --w-1', event) },
      );
      expectObservable(names(joined$)).toBe('              -------w-1');
    });
  });

  test('the next relay follows after 4 s if one accepts no connection, but the last one has its own limit', () => {
    marbles(({ cold, expectObservable }) => {
      const slow$ = timer(9000).pipe(map(() => fakeConnection()));
      const rotation = relayRotation([NEVER, slow$]);
      const joined$ = rotation.connect((relay$) => relay$.pipe(switchMap(() => cold('w', event))));
      expectObservable(names(joined$), '14s !').toBe('13s w');
    });
  });

  test('a relay that connects in time has all the time that joining takes', () => {
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf({ joined$: cold('9s w', event) }, { joined$: cold('1', event) });
      expectObservable(names(joined$)).toBe('     9s w');
    });
  });

  test('a refusal that every relay would repeat passes through', () => {
    const refused = new RefusedError('nick-taken', 'alice is taken');
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf({ joined$: cold('--#', event, refused) }, { joined$: cold('w', event) });
      expectObservable(names(joined$)).toBe('     --#', undefined, refused);
    });
  });

  test('another error, such as that of a wrong pin, passes through', () => {
    const untrusted = new Error('the relay has a different key than expected');
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf(
        throwError(() => untrusted),
        { joined$: cold('w', event) },
      );
      expectObservable(names(joined$)).toBe('#', undefined, untrusted);
    });
  });

  test('if no relay can be reached, the error has the reasons of all', () => {
    marbles(({ expectObservable }) => {
      const { joined$ } = rotationOf(unreachable('a'), unreachable('b'), unreachable('a'));
      expectObservable(joined$).toBe('#', undefined, new ConnectionError('cannot reach a; cannot reach b'));
    });
  });

  test('if all fail, the answer of a relay is the error', () => {
    const refused = new RefusedError('storage', 'the store is away');
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf(
        unreachable('a'),
        { joined$: cold('-#', event, refused) },
        unreachable('c'),
      );
      expectObservable(joined$).toBe('                              -#', undefined, refused);
    });
  });

  test('the BYE of the last relay passes through', () => {
    marbles(({ cold, expectObservable }) => {
      const { joined$ } = rotationOf(unreachable('a'), { joined$: cold('-(b|)', event) });
      expectObservable(names(joined$)).toBe('                       -(b|)');
    });
  });

  test('the relay that welcomed is the current one until it is advanced', () => {
    marbles(({ cold, expectObservable }) => {
      const { rotation, joined$ } = rotationOf(
        { joined$: cold('#', event, closed) },
        { joined$: cold('(w2|)', event) },
        { joined$: cold('(w3|)', event) },
      );
      const twice$ = concat(joined$, joined$);
      const advanced$ = concat(
        twice$,
        defer(() => {
          rotation.advance();
          return joined$;
        }),
      );
      expectObservable(names(advanced$)).toBe('(w2w2w3|)');
    });
  });

  test('connect$ connects to the current relay', () => {
    const [a, b] = [fakeConnection(), fakeConnection()];
    const rotation = relayRotation([of(a), of(b)]);
    const connected: Connection[] = [];
    for (let n = 0; n < 3; n += 1) {
      rotation.connect$.pipe(take(1)).subscribe((connection) => connected.push(connection));
      rotation.advance();
    }
    expect(connected).toStrictEqual([a, b, a]);
    expect(rotation.count).toBe(2);
  });

  test('unsubscribing cancels the attempt, and no relay follows', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const [first$, second$] = [cold('-----#', undefined, closed), cold('w', event)];
      const { joined$ } = rotationOf(first$, second$);
      expectObservable(joined$, '---!').toBe('-');
      expectSubscriptions(first$.subscriptions).toBe('^--!');
      expectSubscriptions(second$.subscriptions).toBe([]);
    });
  });
});
