import { afterEach, expect, test } from '@jest/globals';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { awayBeyondRetention, awayBeyondTheWindow } from './support/faults/away.js';
import { keeperKilled, noRelayAtAll } from './support/faults/keptLines.js';
import { LOSSES, logLost } from './support/faults/logLost.js';

afterEach(endAll);

test('send --spool without a relay keeps its lines, unreadable, and the next one with a relay sends them first', async () => {
  expect(await noRelayAtAll()).toStrictEqual(allWell(300));
});

test.each([[['send', '--spool']], [['join']]] as const)(
  '%j that is killed with pending lines keeps them, and the next one sends those that are not stored',
  async (keeper) => {
    expect(await keeperKilled(keeper)).toStrictEqual(allWell(400));
  },
);

test.each(LOSSES)(
  'a history that is lost (%s): clients say so, what is pending is sent, nothing is shown twice',
  async (loss) => {
    expect(await logLost(loss)).toStrictEqual(allWell(300));
  },
);

test('who was away reads all that was said since, from the disk, in a window far smaller than that', async () => {
  const account = await awayBeyondTheWindow();
  expect(account).toStrictEqual(allWell(account.sent));
});

test('who was away for longer than entries are kept is told the gap, exactly', async () => {
  const account = await awayBeyondRetention();
  expect(account).toStrictEqual(allWell(account.sent, 1));
});
