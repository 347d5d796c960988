import { describe, test } from '@jest/globals';
import { concat, concatMap, EMPTY, from, map, type Observable, throwError, timer } from 'rxjs';
import type { Ledger, LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { readRecords, type ReadRequest } from '../../../../streams/relay/cluster/readRecords.js';
import { marbles } from '../../../support/marbles.js';

const record = (address: number): LedgerRecord => ({
  address,
  previous: address - 1,
  bytes: new Uint8Array(0),
});

/** Followed records by their address, `u` without the address of the previous one, and `m` for `missed`. */
const FOLLOWED: Record<string, LedgerRecord | 'missed'> = {
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((address) => [address, record(address)])),
  u: { address: 2, bytes: new Uint8Array(0) },
  m: 'missed',
};
const REQUESTS: Record<string, ReadRequest> = { r: {}, s: { target: 3 } };

interface EngineOptions {
  readonly stored: number;
  /** Answers of the first reads, if they are not the truth. */
  readonly answers?: readonly Observable<LedgerRecord>[];
}

/** The ledger of an engine that has the records from 1 to `stored`, and answers after a frame. */
const ledgerOf = (
  followed$: Observable<LedgerRecord | 'missed'>,
  { stored, answers = [] }: EngineOptions,
): Pick<Ledger, 'follow' | 'last' | 'read'> => {
  const rest = answers.values();
  return {
    follow: () => followed$,
    last: () => timer(1).pipe(map(() => (stored === 0 ? undefined : record(stored)))),
    read: (_, address) => {
      const length = Math.max(0, stored - address + 1);
      const truth$ = from(Array.from({ length }, (__, n) => record(address + n)));
      return timer(1).pipe(concatMap(() => rest.next().value ?? truth$));
    },
  };
};

/** Draws records by their address, and `c` for current, `l` for lost. */
const summary = (
  followed$: Observable<LedgerRecord | 'missed'>,
  request$: Observable<ReadRequest>,
  engine: EngineOptions,
  after = 0,
): Observable<string> =>
  readRecords({ ledger: ledgerOf(followed$, engine), room: 'room', after, request$ }).pipe(
    map((event) => (event.type === 'record' ? `${event.record.address}` : event.type.charAt(0))),
  );

describe('readRecords', () => {
  const cases: readonly {
    name: string;
    followed?: string;
    requests?: string;
    engine?: Partial<EngineOptions>;
    after?: number;
    out: string;
  }[] = [
    { name: 'emits what it follows', followed: '-1-2-3', out: '-1-2-3' },
    { name: 'drops what it has', followed: '-1-2-1-2-3', out: '-1-2-----3' },
    { name: 'reads what is missing', followed: '-1---4', engine: { stored: 4 }, out: '-1----(234c)' },
    {
      name: 'reads if it cannot know whether something is missing',
      followed: '-1--u',
      engine: { stored: 2 },
      out: '-1---(2c)',
    },
    {
      name: 'continues with what it follows after a read',
      followed: '-1---45',
      engine: { stored: 4 },
      out: '-1----(2345c)',
    },
    {
      name: 'asks for the last record after something was missed',
      followed: '-1-m',
      engine: { stored: 3 },
      out: '-1---(23c)',
    },
    {
      name: 'is current after each check, although something is missed during each',
      followed: '-mmmmmm',
      out: '--cccccc',
    },
    { name: 'reads on request', requests: '-r', engine: { stored: 2 }, out: '---(12c)' },
    { name: 'reads up to a record on request', requests: '-s', engine: { stored: 3 }, out: '--(123c)' },
    { name: 'is current in an empty room', requests: '-r', engine: { stored: 0 }, out: '--c' },
    {
      name: 'asks again if a replica lacks the record',
      requests: '-s',
      engine: { stored: 3, answers: [EMPTY] },
      out: '---(123c)',
    },
    {
      name: 'tries again if the engine fails',
      requests: '-s',
      engine: { stored: 3, answers: [throwError(() => new Error('timeout'))] },
      out: '-- 200ms -(123c)',
    },
    {
      name: 'reports lost records when the engine has fewer again and again',
      requests: '-r',
      engine: { stored: 2 },
      after: 5,
      out: '-- 500ms - 500ms -l',
    },
  ];

  test.each(cases)('$name', ({ followed = '-', requests = '-', engine = {}, after, out }) => {
    marbles(({ hot, expectObservable }) => {
      const followed$ = hot(followed, FOLLOWED);
      const request$ = hot(requests, REQUESTS);
      expectObservable(summary(followed$, request$, { stored: 0, ...engine }, after)).toBe(out);
    });
  });

  test('stops when unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const followed$ = hot('-1---4', FOLLOWED);
      const request$ = hot('-', REQUESTS);
      const endless$ = concat(timer(1000).pipe(concatMap(() => EMPTY)));
      expectObservable(summary(followed$, request$, { stored: 4, answers: [endless$] }), '^------!').toBe(
        '-1',
      );
      expectSubscriptions(followed$.subscriptions).toBe('^------!');
      expectSubscriptions(request$.subscriptions).toBe('^------!');
    });
  });
});
