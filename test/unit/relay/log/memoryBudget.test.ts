import { describe, expect, test } from '@jest/globals';
import { roomLog, type RoomLog } from '../../../../streams/relay/log/roomLog.js';
import { memoryBudget } from '../../../../streams/relay/log/slabs.js';
import { appendAndCommit, quarterSlabLine, quarterSlabLines, readAll } from '../../../support/logs.js';

/** Logs of up to four slabs of 1 KiB, with four lines each, that share that many slabs. */
const sharing = (slabs: number) => {
  const budget = memoryBudget(slabs * 1024);
  return { budget, newLog: () => roomLog({ id: 'log', windowBytes: 4096, budget }) };
};
const fill = (log: RoomLog, from: number, to: number) => {
  for (let n = from; n <= to; n += 1) appendAndCommit(log, quarterSlabLine(n));
};

describe('windowBudget', () => {
  test('a log that is alone has its window', () => {
    const { budget, newLog } = sharing(8);
    const log = newLog();
    fill(log, 1, 16);
    expect([log.first, budget.usedBytes, budget.isExceeded]).toStrictEqual([1, 4096, false]);
  });

  test('the log that was not used for longest gives first, all of it, and goes on where it was', () => {
    const { budget, newLog } = sharing(4);
    const [old, recent, active] = [newLog(), newLog(), newLog()];
    fill(old, 1, 8);
    fill(recent, 1, 8);
    const reader = old.cursor(5);
    fill(active, 1, 8);
    expect([old, recent, active].map(({ first }) => first)).toStrictEqual([9, 1, 1]);
    expect(readAll(reader)).toStrictEqual([{ from: 5, to: 8 }]);
    fill(old, 9, 9);
    expect(readAll(reader)).toStrictEqual(['9']);
    expect(recent.first).toBe(5);
    expect(budget.usedBytes).toBe(4096);
  });

  test('a lower limit takes memory at once, and a higher one lets logs keep more again', () => {
    const { budget, newLog } = sharing(8);
    const [old, recent] = [newLog(), newLog()];
    fill(old, 1, 8);
    fill(recent, 1, 8);
    budget.setLimit(2048);
    expect([old.first, recent.first, budget.usedBytes]).toStrictEqual([9, 1, 2048]);
    budget.setLimit(undefined);
    fill(old, 9, 16);
    expect([old.first, recent.first, budget.usedBytes]).toStrictEqual([9, 1, 4096]);
  });

  test('a log that fills it alone gives of its own oldest', () => {
    const { budget, newLog } = sharing(2);
    const log = newLog();
    fill(log, 1, 16);
    expect([log.first, log.next, budget.usedBytes]).toStrictEqual([9, 17, 2048]);
  });

  test('what is not committed is never given; then it is over', () => {
    const { budget, newLog } = sharing(2);
    const [one, two] = [newLog(), newLog()];
    one.append(quarterSlabLines(1, 4));
    one.append(quarterSlabLines(5, 8));
    two.append(quarterSlabLines(1, 4));
    expect([budget.usedBytes, budget.isExceeded]).toStrictEqual([3072, true]);
    one.commit(one.batch());
    expect(readAll(one.cursor(1))).toHaveLength(8);
    two.append(quarterSlabLines(5, 8));
    expect([one.first, budget.usedBytes, budget.isExceeded]).toStrictEqual([9, 2048, false]);
  });

  test('counts slabs that wait to be used again, and they are the first to go', () => {
    const { budget, newLog } = sharing(9);
    const log = newLog();
    const retainingUp = log.cursor(1, { releasesSlices: true });
    for (let n = 1; n <= 24; n += 1) {
      fill(log, n, n);
      while (retainingUp.read() !== undefined);
    }
    // Four slabs, and the one that was dropped when the fifth was full.
    expect(budget.usedBytes).toBe(5 * 1024);
    const { first } = log;
    const other = newLog();
    fill(other, 1, 16);
    expect([log.first, budget.usedBytes]).toStrictEqual([first, 9 * 1024]);
    fill(newLog(), 1, 4);
    expect([log.first, budget.usedBytes]).toStrictEqual([first, 9 * 1024]);
    log.close();
    expect(budget.usedBytes).toBe(5 * 1024);
  });

  test('of what one commit brought and the next one drops, four slabs wait to be used again', () => {
    const { budget, newLog } = sharing(100);
    const log = newLog();
    const retainingUp = log.cursor(1, { releasesSlices: true });
    for (let n = 1; n < 120; n += 4) log.append(quarterSlabLines(n, n + 3));
    log.commit(log.batch());
    while (retainingUp.read() !== undefined);
    fill(log, 121, 121);
    expect(budget.usedBytes).toBe((4 + 4) * 1024);
  });

  test('gets back what is taken back, and all of a log that is closed', () => {
    const { budget, newLog } = sharing(8);
    const log = newLog();
    fill(log, 1, 4);
    log.append(quarterSlabLines(5, 12));
    log.rollBack();
    expect(budget.usedBytes).toBe(1024);
    log.close();
    expect(budget.usedBytes).toBe(0);
  });
});
