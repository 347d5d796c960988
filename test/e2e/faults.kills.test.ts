import { afterEach, expect, test } from '@jest/globals';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { killed } from './support/faults/kills.js';

afterEach(endAll);

const KILLS = 50;

test(`a relay that is killed ${KILLS} times keeps every line that had a receipt, once and in order`, async () => {
  const seed = Number(process.env['RXCHAT_SEED'] ?? Date.now() % 1_000_000);
  console.log(`to do it again as far as chance allows: RXCHAT_SEED=${seed}`);
  const account = await killed(KILLS, seed);
  expect(account).toStrictEqual(allWell(account.sent));
}, 180_000);
