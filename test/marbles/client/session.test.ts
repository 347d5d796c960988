import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  concat,
  ignoreElements,
  map,
  mergeMap,
  NEVER,
  type Observable,
  of,
  retry,
  Subject,
  switchMap,
  take,
  throwError,
  timer,
} from 'rxjs';
import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import type { Token } from '../../../streams/client/envelope/cipher.js';
import type { StoredMessage } from '../../../streams/client/send/outbox.js';
import type { OutgoingMessage } from '../../../streams/client/send/seal.js';
import { type Receipt, session, type Session } from '../../../streams/client/session.js';
import { LimitError, ConnectionError, RefusedError } from '../../../streams/wire/errors.js';
import { messageEvent, welcomeEvent } from '../../support/clientEvents.js';
import { marbles } from '../../support/marbles.js';

const stored = ({ lines }: OutgoingMessage, position: number | undefined): StoredMessage => ({
  type: 'stored',
  position,
  lines,
  token: 'gAAAA' as Token,
  bytes: 6,
});

const offline: ClientEvent = { type: 'offline', reason: 'reset', retryMs: 5, attempt: 1 };

/** Events of a room in drawings: welcome W, bob's message m, an undecryptable token u, bob's join j, offline f. */
const events: Record<string, ClientEvent> = {
  W: welcomeEvent({ from: 5, next: 5, members: ['alice'], count: 1 }),
  m: messageEvent({ position: 5 }),
  u: { type: 'undecryptable', position: 5, reason: 'malformed' },
  j: { type: 'joined', position: 6, nicks: ['bob'], count: 1 },
  f: offline,
};

const now = () => 100;

/** A room that emits these events and ignores all input. */
const deaf = (event$: Observable<ClientEvent>) => (): Observable<ClientEvent> => event$;

/** A room that welcomes after 2 ms, and stores each message after 3 ms. */
const obedient =
  (sent: OutgoingMessage[] = []) =>
  (outgoing$: Observable<OutgoingMessage>): Observable<ClientEvent> =>
    concat(
      timer(2).pipe(map(() => events['W']!)),
      outgoing$.pipe(
        mergeMap((send) => {
          sent.push(send);
          const position = 4 + sent.length;
          return timer(3).pipe(map(() => stored(send, position)));
        }),
      ),
    );

const states = (here$: Observable<Session>) =>
  here$.pipe(
    switchMap(({ state$ }) => state$),
    map(({ type }) => type),
  );

const TYPES = { c: 'connecting', u: 'catching-up', n: 'online', f: 'offline', X: 'closed' };

describe('a session', () => {
  test('session emits at once, and stays until it is unsubscribed', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('-W---', events);
      const is$ = session({ room: deaf(event$), now }).pipe(map(() => 's'));
      expectObservable(is$, '--^---!').toBe('--s');
      expectSubscriptions(event$.subscriptions).toBe('--^---!');
    });
  });

  test('message$ emits messages and undecryptable entries', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('-W-m-u-j-f', events);
      const message$ = session({ room: deaf(event$), now }).pipe(switchMap((here) => here.message$));
      expectObservable(message$).toBe('---m-u', events);
    });
  });

  test('event$ emits all events', () => {
    marbles(({ cold, expectObservable }) => {
      const received$ = cold('-W-m-u-j-f', events);
      const all$ = session({ room: deaf(received$), now }).pipe(switchMap((here) => here.event$));
      expectObservable(all$).toBe('-W-m-u-j-f', events);
    });
  });

  test('state$ replays the present state', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('-W-----f--------W', events);
      const startClient = deaf(event$);
      expectObservable(states(session({ room: startClient, now }))).toBe('cn-----f----c---n', TYPES);
      const late$ = session({ room: startClient, now }).pipe(
        switchMap(({ state$ }) => timer(4).pipe(switchMap(() => state$))),
      );
      expectObservable(late$.pipe(map(({ type }) => type))).toBe('----n--f----c---n', TYPES);
    });
  });

  test('roster$ replays the present list', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('-W---j', events);
      const names = (here$: Observable<Session>, after: number) =>
        here$.pipe(
          switchMap(({ roster$ }) => timer(after).pipe(switchMap(() => roster$))),
          map(({ nicks }) => nicks.join()),
        );
      const expected = { a: 'alice', b: 'alice,bob' };
      expectObservable(names(session({ room: deaf(event$), now }), 0)).toBe('-a---b', expected);
      expectObservable(names(session({ room: deaf(event$), now }), 3)).toBe('---a-b', expected);
    });
  });

  test('session emits a message before the state that results from it', () => {
    const reported: string[] = [];
    const event$ = of(welcomeEvent({ from: 4, next: 5 }), messageEvent({ position: 4 }));
    const listen = ({ message$, state$ }: Session) => {
      message$.subscribe(({ type }) => reported.push(type));
      state$.subscribe(({ type }) => reported.push(type));
    };
    session({ room: deaf(concat(event$, NEVER)), now }).subscribe(listen);
    expect(reported).toStrictEqual(['connecting', 'catching-up', 'message', 'online']);
  });
});

describe('the end of a session', () => {
  const refused = new RefusedError('nick-taken', 'somebody is called so');

  test('session errors with the room, and its streams complete', () => {
    const startClient = () =>
      concat(
        timer(3).pipe(ignoreElements()),
        throwError(() => refused),
      );
    marbles(({ expectObservable }) => {
      const here$ = session({ room: startClient, now });
      expectObservable(here$.pipe(map(() => 's'))).toBe('s--#', { s: 's' }, refused);
      for (const name of ['message$', 'event$', 'roster$'] as const) {
        const ended$ = here$.pipe(
          switchMap((here) => concat((here[name] as Observable<unknown>).pipe(ignoreElements()), of('end'))),
        );
        expectObservable(ended$).toBe('---(e#)', { e: 'end' }, refused);
      }
    });
  });

  test('the last state is closed with the reason', () => {
    marbles(({ cold, expectObservable }) => {
      const state$ = session({ room: deaf(cold('-W-#', events, refused)), now }).pipe(
        switchMap((here) => here.state$),
      );
      expectObservable(state$).toBe(
        'cn-(X#)',
        {
          c: { type: 'connecting' },
          n: { type: 'online' },
          X: { type: 'closed', reason: 'somebody is called so' },
        },
        refused,
      );
    });
  });

  test('session completes when the relay ends it', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(states(session({ room: deaf(cold('-W-|', events)), now }))).toBe('cn-(X|)', TYPES);
    });
  });

  test('unsubscribing session completes all streams, also for late subscribers', () => {
    const ended: string[] = [];
    let here: Session | undefined;
    const listen = (each: Session) => {
      here = each;
      each.message$.subscribe({ complete: () => ended.push('message$') });
      each.event$.subscribe({ complete: () => ended.push('event$') });
      each.roster$.subscribe({ complete: () => ended.push('roster$') });
      each.state$.subscribe({ complete: () => ended.push('state$') });
    };
    session({ room: deaf(NEVER), now })
      .subscribe(listen)
      .unsubscribe();
    expect(ended.sort()).toStrictEqual(['event$', 'message$', 'roster$', 'state$']);
    const late: unknown[] = [];
    here!.state$.subscribe({ next: (each) => late.push(each), complete: () => late.push('|') });
    expect(late).toStrictEqual([{ type: 'closed', reason: 'left' }, '|']);
  });

  test('session makes no connection when it is unsubscribed at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('-W', events);
      expectObservable(
        session({ room: deaf(event$), now }).pipe(
          take(1),
          map(() => 's'),
        ),
      ).toBe('(s|)');
      expectSubscriptions(event$.subscriptions).toBe([]);
    });
  });
});

describe('send', () => {
  const receipt: Record<string, Receipt> = {
    5: { position: 5, time: 100 },
    6: { position: 6, time: 100 },
  };
  const client = (act: (here: Session) => Observable<unknown>, sent: OutgoingMessage[] = []) =>
    session({ room: obedient(sent), now }).pipe(switchMap(act));

  test('send waits for the join and emits the receipt', () => {
    marbles(({ expectObservable }) => {
      expectObservable(client(({ send }) => send('hello'))).toBe('-----5', receipt);
      expectObservable(client(({ send }) => timer(4).pipe(switchMap(() => send('hello'))))).toBe(
        '-------5',
        receipt,
      );
    });
  });

  test('send keeps the order of messages, also during the join', () => {
    const sent: OutgoingMessage[] = [];
    marbles(({ expectObservable }) => {
      const both$ = client(({ send }) => of('one', 'two').pipe(mergeMap((text) => send(text))), sent);
      expectObservable(both$).toBe('-----(56)', receipt);
    });
    expect(sent.map(({ lines }) => lines[0])).toStrictEqual(['one', 'two']);
  });

  test('send sends nothing without a subscription', () => {
    const sent: OutgoingMessage[] = [];
    marbles(({ expectObservable }) => {
      expectObservable(
        client(({ send }) => {
          send('hello');
          return NEVER;
        }, sent),
      ).toBe('');
    });
    expect(sent).toStrictEqual([]);
  });

  test('send sends once for any number of subscriptions and retries', () => {
    const sent: OutgoingMessage[] = [];
    marbles(({ expectObservable }) => {
      const twice$ = client(({ send }) => {
        const receipt$ = send('hello');
        let tries = 0;
        return of(1, 2, 3).pipe(
          mergeMap(() =>
            receipt$.pipe(
              map((each) => {
                tries += 1;
                if (tries === 1) throw new Error('mine');
                return each;
              }),
              retry(1),
            ),
          ),
        );
      }, sent);
      expectObservable(twice$).toBe('-----(555)', receipt);
    });
    expect(sent).toHaveLength(1);
  });

  test('two calls of send with one text are two messages', () => {
    const sent: OutgoingMessage[] = [];
    marbles(({ expectObservable }) => {
      const both$ = client(
        ({ send }) => of(send('hello'), send('hello')).pipe(mergeMap((each) => each)),
        sent,
      );
      expectObservable(both$).toBe('-----(56)', receipt);
    });
    expect(sent).toHaveLength(2);
  });

  test('unsubscribing send does not recall the message', () => {
    const sent: OutgoingMessage[] = [];
    marbles(({ expectObservable }) => {
      const left$ = client(({ send }) => {
        send('hello')
          .subscribe({ error: () => undefined })
          .unsubscribe();
        return NEVER;
      }, sent);
      expectObservable(left$).toBe('');
    });
    expect(sent).toHaveLength(1);
  });

  test('a receipt has no position when a gap hid it', () => {
    marbles(({ expectObservable }) => {
      const startClient = (outgoing$: Observable<OutgoingMessage>) =>
        outgoing$.pipe(map((send): ClientEvent => stored(send, undefined)));
      const receipt$ = session({ room: startClient, now }).pipe(switchMap(({ send }) => send('hello')));
      expectObservable(receipt$).toBe('r', { r: { position: undefined, time: 100 } });
    });
  });

  test('send errors for a text that is too long, and the session goes on', () => {
    const sent: OutgoingMessage[] = [];
    const tooLong = new LimitError('a message is over the limit of 32768 bytes');
    marbles(({ expectObservable }) => {
      const long$ = client(({ send }) => send('x'.repeat(32_768)), sent);
      expectObservable(long$).toBe('#', {}, tooLong);
    });
    expect(sent).toStrictEqual([]);
  });

  test('send errors when too many messages are pending, and a retry succeeds after a receipt', () => {
    marbles(({ expectObservable }) => {
      const full = new LimitError('2 messages wait for their receipts');
      const act =
        (attempts: number) =>
        ({ send }: Session) => {
          send('one').subscribe({ error: () => undefined });
          send('two').subscribe({ error: () => undefined });
          return send('three').pipe(retry({ count: attempts, delay: 6 }));
        };
      const here$ = session({ room: obedient(), now, maxPending: 2 });
      expectObservable(here$.pipe(switchMap(act(0)))).toBe('#', {}, full);
      expectObservable(here$.pipe(switchMap(act(1)))).toBe('---------7', { 7: { position: 7, time: 100 } });
    });
  });

  test('send errors with the error of the session, also after its end', () => {
    marbles(({ expectObservable }) => {
      const refused = new RefusedError('access-denied', 'no');
      const startClient = () =>
        concat(
          timer(3).pipe(ignoreElements()),
          throwError(() => refused),
        );
      const waiting = new Subject<Receipt>();
      const here$ = session({ room: startClient, now });
      expectObservable(waiting).toBe('---#', {}, refused);
      expectObservable(
        here$.pipe(
          switchMap(({ send }) => {
            send('hello').subscribe(waiting);
            return NEVER;
          }),
        ),
      ).toBe('---#', {}, refused);
    });
  });

  test('send errors when the session is unsubscribed or ended by the relay', () => {
    const faults: unknown[] = [];
    let here: Session | undefined;
    const sendLines = (each: Session) => {
      here = each;
      each.send('hello').subscribe({ error: (error: unknown) => faults.push(error) });
    };
    session({ room: deaf(NEVER), now })
      .subscribe(sendLines)
      .unsubscribe();
    sendLines(here!);
    const over = new Subject<ClientEvent>();
    session({ room: deaf(over), now }).subscribe(sendLines);
    over.complete();
    const left = new ConnectionError('the session was left');
    expect(faults).toStrictEqual([left, left, new ConnectionError('the session is over')]);
  });
});

describe('timers', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('no timer remains when a session is unsubscribed while offline', () => {
    const event$ = new Subject<ClientEvent>();
    const subscription = session({ room: deaf(event$), now: () => Date.now() }).subscribe();
    event$.next(offline);
    expect(jest.getTimerCount()).toBe(1);
    subscription.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
  });
});
