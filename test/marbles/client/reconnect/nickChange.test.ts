import { describe, expect, test } from '@jest/globals';
import { defer, EMPTY, map, NEVER, type Observable, Subject, tap, throwError } from 'rxjs';
import { nickChange } from '../../../../streams/client/reconnect/nickChange.js';
import { RefusedError } from '../../../../streams/wire/errors.js';
import { marbles } from '../../../support/marbles.js';

interface Value {
  readonly type: string;
  readonly nick?: string;
  readonly reason?: string;
}

const summarize = ({ type, nick = '', reason = '' }: Value) => [type, nick, reason].join(' ').trim();

/** Connects to each link in order, and records the nick of each attempt. */
const linksOf = (...links: Observable<string>[]) => {
  const nicks: string[] = [];
  const make = (nick: string): Observable<Value> =>
    defer(() => {
      nicks.push(nick);
      return links[nicks.length - 1] ?? NEVER;
    }).pipe(map((rendered) => ({ type: rendered === 'w' ? 'welcome' : rendered })));
  return { nicks, make };
};

const taken = new RefusedError('nick-taken', 'it is taken');

describe('nickChange', () => {
  test('nickChange reconnects with the requested nick, and reports it when the relay accepts it', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const [one, two] = [cold('w-a--------'), cold('w----b')];
      const { nicks, make } = linksOf(one, two);
      const name = nickChange('alice');
      const wanted$ = hot('    ----n', { n: 'bob' }).pipe(tap(name.request));
      expectObservable(name.connect(make, wanted$).pipe(map(summarize)), '-----------!').toBe('w-a-(rw)-b', {
        w: 'welcome',
        a: 'a',
        r: 'renamed bob',
        b: 'b',
      });
      expectSubscriptions(one.subscriptions).toBe('^---!');
      flush();
      expect([nicks, name.nick]).toStrictEqual([['alice', 'bob'], 'bob']);
    });
  });

  test('nickChange keeps the present nick when the relay rejects another', () => {
    marbles(({ hot, cold, expectObservable, flush }) => {
      const { nicks, make } = linksOf(cold('w'), cold('-#', {}, taken), cold('w-----a'));
      const name = nickChange('alice');
      const wanted$ = hot('--n', { n: 'bob' }).pipe(tap(name.request));
      expectObservable(name.connect(make, wanted$).pipe(map(summarize))).toBe('w--(nw)--a', {
        w: 'welcome',
        n: 'rename-rejected bob it is taken',
        a: 'a',
      });
      flush();
      expect([nicks, name.nick]).toStrictEqual([['alice', 'bob', 'alice'], 'alice']);
    });
  });

  test('nickChange errors when the first nick is rejected, and with other errors', () => {
    marbles(({ cold, expectObservable }) => {
      const first = nickChange('alice');
      expectObservable(first.connect(linksOf(cold('#', {}, taken)).make, EMPTY)).toBe('#', {}, taken);
      const other = nickChange('alice');
      other.request('bob');
      expectObservable(other.connect(() => throwError(() => new Error('lost')), EMPTY)).toBe(
        '#',
        {},
        new Error('lost'),
      );
    });
  });

  test('nickChange completes with its connection, and uses the last requested nick for the next', () => {
    const name = nickChange('alice');
    const [one, two] = [new Subject<string>(), new Subject<string>()];
    const { nicks, make } = linksOf(one, two);
    const received: string[] = [];
    const link$ = name.connect(make, NEVER);
    const ended = {
      next: (value: Value) => received.push(summarize(value)),
      complete: () => received.push('|'),
    };
    link$.subscribe(ended);
    one.next('w');
    one.complete();
    name.request('bob');
    name.request('carol');
    link$.subscribe(ended).add(() => undefined);
    two.next('w');
    expect(received).toStrictEqual(['welcome', '|', 'renamed carol', 'welcome']);
    expect(nicks).toStrictEqual(['alice', 'carol']);
  });
});
