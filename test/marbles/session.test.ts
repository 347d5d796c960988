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
import type { Heard } from '../../streams/client/conversation.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Stored } from '../../streams/client/outbox.js';
import type { Say } from '../../streams/client/seal.js';
import { type Receipt, session, type Session } from '../../streams/client/session.js';
import { LimitError, LinkError, RefusedError } from '../../streams/wire/errors.js';
import { message, welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const stored = ({ lines }: Say, position: number | undefined): Stored => ({
  type: 'stored',
  position,
  lines,
  token: 'gAAAA' as Token,
  bytes: 6,
});

const offline: Heard = { type: 'offline', reason: 'reset', retryMs: 5, attempt: 1 };

/** What a room tells in drawings: welcome W, bob's message m, a token that does not open u, bob's coming j, lost f. */
const heard: Record<string, Heard> = {
  W: welcome({ from: 5, next: 5, members: ['alice'], count: 1 }),
  m: message({ position: 5 }),
  u: { type: 'undecryptable', position: 5, reason: 'malformed' },
  j: { type: 'joined', position: 6, nicks: ['bob'], count: 1 },
  f: offline,
};

const now = () => 100;

/** A room that hears what it is told to, whatever is said. */
const deaf = (heard$: Observable<Heard>) => (): Observable<Heard> => heard$;

/** A room that lets in after 2 ms, and has stored what is said 3 ms after it was said. */
const obedient =
  (said: Say[] = []) =>
  (say$: Observable<Say>): Observable<Heard> =>
    concat(
      timer(2).pipe(map(() => heard['W']!)),
      say$.pipe(
        mergeMap((say) => {
          said.push(say);
          const position = 4 + said.length;
          return timer(3).pipe(map(() => stored(say, position)));
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
  test('is there at once, and stays until it is left', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const heard$ = cold('-W---', heard);
      const is$ = session({ talk: deaf(heard$), now }).pipe(map(() => 's'));
      expectObservable(is$, '--^---!').toBe('--s');
      expectSubscriptions(heard$.subscriptions).toBe('--^---!');
    });
  });

  test('has messages, with those that do not open as values among them', () => {
    marbles(({ cold, expectObservable }) => {
      const heard$ = cold('-W-m-u-j-f', heard);
      const message$ = session({ talk: deaf(heard$), now }).pipe(switchMap((here) => here.message$));
      expectObservable(message$).toBe('---m-u', heard);
    });
  });

  test('has all that is heard', () => {
    marbles(({ cold, expectObservable }) => {
      const heard$ = cold('-W-m-u-j-f', heard);
      const all$ = session({ talk: deaf(heard$), now }).pipe(switchMap((here) => here.heard$));
      expectObservable(all$).toBe('-W-m-u-j-f', heard);
    });
  });

  test('has a state, which late subscribers get at once', () => {
    marbles(({ cold, expectObservable }) => {
      const heard$ = cold('-W-----f--------W', heard);
      const talk = deaf(heard$);
      expectObservable(states(session({ talk, now }))).toBe('cn-----f----c---n', TYPES);
      const late$ = session({ talk, now }).pipe(
        switchMap(({ state$ }) => timer(4).pipe(switchMap(() => state$))),
      );
      expectObservable(late$.pipe(map(({ type }) => type))).toBe('----n--f----c---n', TYPES);
    });
  });

  test('has members, whom late subscribers get at once', () => {
    marbles(({ cold, expectObservable }) => {
      const heard$ = cold('-W---j', heard);
      const names = (here$: Observable<Session>, after: number) =>
        here$.pipe(
          switchMap(({ member$ }) => timer(after).pipe(switchMap(() => member$))),
          map(({ nicks }) => nicks.join()),
        );
      const expected = { a: 'alice', b: 'alice,bob' };
      expectObservable(names(session({ talk: deaf(heard$), now }), 0)).toBe('-a---b', expected);
      expectObservable(names(session({ talk: deaf(heard$), now }), 3)).toBe('---a-b', expected);
    });
  });

  test('tells a message before the state that comes of it', () => {
    const told: string[] = [];
    const heard$ = of(welcome({ from: 4, next: 5 }), message({ position: 4 }));
    const listen = ({ message$, state$ }: Session) => {
      message$.subscribe(({ type }) => told.push(type));
      state$.subscribe(({ type }) => told.push(type));
    };
    session({ talk: deaf(concat(heard$, NEVER)), now }).subscribe(listen);
    expect(told).toStrictEqual(['connecting', 'catching-up', 'message', 'online']);
  });
});

describe('the end of a session', () => {
  const refused = new RefusedError('nick-taken', 'somebody is called so');

  test('by an error is the error of the session; the streams in it complete', () => {
    const talk = () =>
      concat(
        timer(3).pipe(ignoreElements()),
        throwError(() => refused),
      );
    marbles(({ expectObservable }) => {
      const here$ = session({ talk, now });
      expectObservable(here$.pipe(map(() => 's'))).toBe('s--#', { s: 's' }, refused);
      for (const name of ['message$', 'heard$', 'member$'] as const) {
        const ended$ = here$.pipe(
          switchMap((here) => concat((here[name] as Observable<unknown>).pipe(ignoreElements()), of('end'))),
        );
        expectObservable(ended$).toBe('---(e#)', { e: 'end' }, refused);
      }
    });
  });

  test('says why as the last state', () => {
    marbles(({ cold, expectObservable }) => {
      const state$ = session({ talk: deaf(cold('-W-#', heard, refused)), now }).pipe(
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

  test('by the relay completes it', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(states(session({ talk: deaf(cold('-W-|', heard)), now }))).toBe('cn-(X|)', TYPES);
    });
  });

  test('by unsubscribing ends all streams, and says so to who comes late', () => {
    const ended: string[] = [];
    let here: Session | undefined;
    const listen = (each: Session) => {
      here = each;
      each.message$.subscribe({ complete: () => ended.push('message$') });
      each.heard$.subscribe({ complete: () => ended.push('heard$') });
      each.member$.subscribe({ complete: () => ended.push('member$') });
      each.state$.subscribe({ complete: () => ended.push('state$') });
    };
    session({ talk: deaf(NEVER), now })
      .subscribe(listen)
      .unsubscribe();
    expect(ended.sort()).toStrictEqual(['heard$', 'member$', 'message$', 'state$']);
    const late: unknown[] = [];
    here!.state$.subscribe({ next: (each) => late.push(each), complete: () => late.push('|') });
    expect(late).toStrictEqual([{ type: 'closed', reason: 'left' }, '|']);
  });

  test('one that is only asked for is over before it began', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const heard$ = cold('-W', heard);
      expectObservable(
        session({ talk: deaf(heard$), now }).pipe(
          take(1),
          map(() => 's'),
        ),
      ).toBe('(s|)');
      expectSubscriptions(heard$.subscriptions).toBe([]);
    });
  });
});

describe('say', () => {
  const receipt: Record<string, Receipt> = {
    5: { position: 5, time: 100 },
    6: { position: 6, time: 100 },
  };
  const talking = (act: (here: Session) => Observable<unknown>, said: Say[] = []) =>
    session({ talk: obedient(said), now }).pipe(switchMap(act));

  test('gives the receipt, and waits until one is in', () => {
    marbles(({ expectObservable }) => {
      expectObservable(talking(({ say }) => say('hello'))).toBe('-----5', receipt);
      expectObservable(talking(({ say }) => timer(4).pipe(switchMap(() => say('hello'))))).toBe(
        '-------5',
        receipt,
      );
    });
  });

  test('sends what waited in its order, and what is said on the way behind it', () => {
    const said: Say[] = [];
    marbles(({ expectObservable }) => {
      const both$ = talking(({ say }) => of('one', 'two').pipe(mergeMap((text) => say(text))), said);
      expectObservable(both$).toBe('-----(56)', receipt);
    });
    expect(said.map(({ lines }) => lines[0])).toStrictEqual(['one', 'two']);
  });

  test('is cold: without a subscription nothing is said', () => {
    const said: Say[] = [];
    marbles(({ expectObservable }) => {
      expectObservable(
        talking(({ say }) => {
          say('hello');
          return NEVER;
        }, said),
      ).toBe('');
    });
    expect(said).toStrictEqual([]);
  });

  test('is idempotent: retry, and others who subscribe, send nothing twice', () => {
    const said: Say[] = [];
    marbles(({ expectObservable }) => {
      const twice$ = talking(({ say }) => {
        const receipt$ = say('hello');
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
      }, said);
      expectObservable(twice$).toBe('-----(555)', receipt);
    });
    expect(said).toHaveLength(1);
  });

  test('two calls with one text are two messages', () => {
    const said: Say[] = [];
    marbles(({ expectObservable }) => {
      const both$ = talking(({ say }) => of(say('hello'), say('hello')).pipe(mergeMap((each) => each)), said);
      expectObservable(both$).toBe('-----(56)', receipt);
    });
    expect(said).toHaveLength(2);
  });

  test('unsubscribing takes nothing back', () => {
    const said: Say[] = [];
    marbles(({ expectObservable }) => {
      const left$ = talking(({ say }) => {
        say('hello')
          .subscribe({ error: () => undefined })
          .unsubscribe();
        return NEVER;
      }, said);
      expectObservable(left$).toBe('');
    });
    expect(said).toHaveLength(1);
  });

  test('where a gap swallowed the place, the receipt has none', () => {
    marbles(({ expectObservable }) => {
      const talk = (say$: Observable<Say>) => say$.pipe(map((say): Heard => stored(say, undefined)));
      const receipt$ = session({ talk, now }).pipe(switchMap(({ say }) => say('hello')));
      expectObservable(receipt$).toBe('r', { r: { position: undefined, time: 100 } });
    });
  });

  test('what is too long errors and is not sent; the session goes on', () => {
    const said: Say[] = [];
    const tooLong = new LimitError('a message is over the limit of 32768 bytes');
    marbles(({ expectObservable }) => {
      const long$ = talking(({ say }) => say('x'.repeat(32_768)), said);
      expectObservable(long$).toBe('#', {}, tooLong);
    });
    expect(said).toStrictEqual([]);
  });

  test('one more than may wait errors; once one of them is stored, a retry goes through', () => {
    marbles(({ expectObservable }) => {
      const full = new LimitError('2 messages wait for their receipts');
      const act =
        (attempts: number) =>
        ({ say }: Session) => {
          say('one').subscribe({ error: () => undefined });
          say('two').subscribe({ error: () => undefined });
          return say('three').pipe(retry({ count: attempts, delay: 6 }));
        };
      const here$ = session({ talk: obedient(), now, limit: 2 });
      expectObservable(here$.pipe(switchMap(act(0)))).toBe('#', {}, full);
      expectObservable(here$.pipe(switchMap(act(1)))).toBe('---------7', { 7: { position: 7, time: 100 } });
    });
  });

  test('a session that ends by an error gives it to who waits, and to who says something later', () => {
    marbles(({ expectObservable }) => {
      const refused = new RefusedError('access-denied', 'no');
      const talk = () =>
        concat(
          timer(3).pipe(ignoreElements()),
          throwError(() => refused),
        );
      const waiting = new Subject<Receipt>();
      const here$ = session({ talk, now });
      expectObservable(waiting).toBe('---#', {}, refused);
      expectObservable(
        here$.pipe(
          switchMap(({ say }) => {
            say('hello').subscribe(waiting);
            return NEVER;
          }),
        ),
      ).toBe('---#', {}, refused);
    });
  });

  test('a session that is left, or that the relay ends, errors for who waits', () => {
    const faults: unknown[] = [];
    let here: Session | undefined;
    const say = (each: Session) => {
      here = each;
      each.say('hello').subscribe({ error: (error: unknown) => faults.push(error) });
    };
    session({ talk: deaf(NEVER), now })
      .subscribe(say)
      .unsubscribe();
    say(here!);
    const over = new Subject<Heard>();
    session({ talk: deaf(over), now }).subscribe(say);
    over.complete();
    const left = new LinkError('the session was left');
    expect(faults).toStrictEqual([left, left, new LinkError('the session is over')]);
  });
});

describe('timers', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('none is left when it is unsubscribed while offline', () => {
    const heard$ = new Subject<Heard>();
    const subscription = session({ talk: deaf(heard$), now: () => Date.now() }).subscribe();
    heard$.next(offline);
    expect(jest.getTimerCount()).toBe(1);
    subscription.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
  });
});
