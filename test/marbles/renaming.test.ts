import { describe, expect, test } from '@jest/globals';
import { defer, EMPTY, map, NEVER, type Observable, Subject, tap, throwError } from 'rxjs';
import { renaming } from '../../streams/client/renaming.js';
import { RefusedError } from '../../streams/wire/errors.js';
import { marbles } from '../support/marbles.js';

interface Value {
  readonly type: string;
  readonly nick?: string;
  readonly reason?: string;
}

const tell = ({ type, nick = '', reason = '' }: Value) => [type, nick, reason].join(' ').trim();

/** Links one after the other; each is under the nick that stands in the list then. */
const linksOf = (...links: Observable<string>[]) => {
  const nicks: string[] = [];
  const make = (nick: string): Observable<Value> =>
    defer(() => {
      nicks.push(nick);
      return links[nicks.length - 1] ?? NEVER;
    }).pipe(map((drawn) => ({ type: drawn === 'w' ? 'welcome' : drawn })));
  return { nicks, make };
};

const taken = new RefusedError('nick-taken', 'it is taken');

describe('renaming', () => {
  test('makes the link anew under the nick that is wanted, and says so once the relay has taken it', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const [one, two] = [cold('w-a--------'), cold('w----b')];
      const { nicks, make } = linksOf(one, two);
      const name = renaming('alice');
      const wanted$ = hot('    ----n', { n: 'bob' }).pipe(tap(name.want));
      expectObservable(name.link(make, wanted$).pipe(map(tell)), '-----------!').toBe('w-a-(rw)-b', {
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

  test('keeps the nick that one has where the relay does not take another', () => {
    marbles(({ hot, cold, expectObservable, flush }) => {
      const { nicks, make } = linksOf(cold('w'), cold('-#', {}, taken), cold('w-----a'));
      const name = renaming('alice');
      const wanted$ = hot('--n', { n: 'bob' }).pipe(tap(name.want));
      expectObservable(name.link(make, wanted$).pipe(map(tell))).toBe('w--(nw)--a', {
        w: 'welcome',
        n: 'not-renamed bob it is taken',
        a: 'a',
      });
      flush();
      expect([nicks, name.nick]).toStrictEqual([['alice', 'bob', 'alice'], 'alice']);
    });
  });

  test('errors where the first nick is refused, and by anything else', () => {
    marbles(({ cold, expectObservable }) => {
      const first = renaming('alice');
      expectObservable(first.link(linksOf(cold('#', {}, taken)).make, EMPTY)).toBe('#', {}, taken);
      const other = renaming('alice');
      other.want('bob');
      expectObservable(other.link(() => throwError(() => new Error('lost')), EMPTY)).toBe(
        '#',
        {},
        new Error('lost'),
      );
    });
  });

  test('a link that is over is over; what was wanted meanwhile counts for the next, and the last wish alone', () => {
    const name = renaming('alice');
    const [one, two] = [new Subject<string>(), new Subject<string>()];
    const { nicks, make } = linksOf(one, two);
    const heard: string[] = [];
    const link$ = name.link(make, NEVER);
    const ended = { next: (value: Value) => heard.push(tell(value)), complete: () => heard.push('|') };
    link$.subscribe(ended);
    one.next('w');
    one.complete();
    name.want('bob');
    name.want('carol');
    link$.subscribe(ended).add(() => undefined);
    two.next('w');
    expect(heard).toStrictEqual(['welcome', '|', 'renamed carol', 'welcome']);
    expect(nicks).toStrictEqual(['alice', 'carol']);
  });
});
