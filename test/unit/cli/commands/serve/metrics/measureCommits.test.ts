import { expect, test } from '@jest/globals';
import { asyncScheduler, EMPTY, catchError, timer } from 'rxjs';
import { measureCommits } from '../../../../../../src/cli/commands/serve/metrics/measureCommits.js';
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
