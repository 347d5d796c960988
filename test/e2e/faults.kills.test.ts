import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { cutOff } from './support/faults/cuts.js';
import { killed, sendersDie } from './support/faults/kills.js';

afterEach(endAll);

const KILLS = 50;
const DEATHS = 20;
const CUTS = 20;

const seed = Number(process.env['RXCHAT_SEED'] ?? Date.now() % 1_000_000);
beforeAll(() => console.log(`to do it again as far as chance allows: RXCHAT_SEED=${seed}`));

test(`a relay that is killed ${KILLS} times keeps every line that had a receipt, once and in order`, async () => {
  const account = await killed(KILLS, seed);
  expect(account).toStrictEqual(allWell(account.sent));
}, 180_000);

test(`what ${DEATHS} senders that died had receipts for is there, once and in order`, async () => {
  const account = await sendersDie(DEATHS, seed);
  expect(account).toStrictEqual(allWell(account.sent));
});

test(`who is cut off in the middle of a line, ${CUTS} times, neither loses nor repeats any`, async () => {
  const account = await cutOff(CUTS, seed);
  expect(account).toStrictEqual(allWell(account.sent));
});
