import { expect, test } from '@jest/globals';
import { asyncScheduler, EMPTY, catchError, map, type Observable, throwError, timer } from 'rxjs';
import {
  measureAppends,
  measureCommits,
} from '../../../../../../src/cli/commands/serve/metrics/measureCommits.js';
import { AppendConflictError, type Ledger } from '../../../../../../streams/relay/cluster/ledger.js';
import { fakeHistory } from '../../../../../support/fakeHistory.js';
import { marbles } from '../../../../../support/marbles.js';
import { LOBBY, bytes } from '../../../../../support/wire.js';

test('a measured history stores what the other one stores, and reports how long each commit took', () => {
  const reported: [number, boolean][] = [];
  let fails = false;
  marbles(({ expectObservable, flush }) => {
    const history = fakeHistory({ commitDelay: () => timer(7), failsAppend: () => fails });
    const onCommit = (ms: number, isStored: boolean) => reported.push([ms, isStored]);
    const measured = measureCommits(history, onCommit, () => asyncScheduler.now());
    const log = measured.open(LOBBY, () => 'log');
    const batch = (first: number) => ({ first, count: 1, slices: [bytes('+alice')] });
    expectObservable(log.append(batch(1))).toBe('-------|');
    flush();
    expect([log.id, log.first, log.next, measured.durability]).toStrictEqual([
      'log',
      1,
      2,
      history.durability,
    ]);
    expect(log.read(1)).toMatchObject({ count: 1 });
    fails = true;
    log
      .append(batch(2))
      .pipe(catchError(() => EMPTY))
      .subscribe();
    flush();
  });
  expect(reported.map(([, isStored]) => isStored)).toStrictEqual([true, false]);
  expect(reported[0]).toStrictEqual([7, true]);
});

test('a measured ledger reports appends, but not one that a newer record prevented', () => {
  const reported: [number, boolean][] = [];
  marbles(({ flush }) => {
    const answers: Observable<number>[] = [
      timer(7).pipe(map(() => 1)),
      throwError(() => new AppendConflictError(2)),
      throwError(() => new Error('no answer in time')),
    ];
    const ledger = { append: () => answers.shift() ?? EMPTY } as Partial<Ledger> as Ledger;
    const measured = measureAppends(
      ledger,
      (ms, isStored) => reported.push([ms, isStored]),
      () => asyncScheduler.now(),
    );
    const append = () => {
      measured
        .append(LOBBY, bytes('+alice'), 0)
        .pipe(catchError(() => EMPTY))
        .subscribe();
      flush();
    };
    append();
    append();
    append();
  });
  expect(reported).toStrictEqual([
    [7, true],
    [0, false],
  ]);
});
