import { afterEach, expect, test } from '@jest/globals';
import { chooseSeed } from '../support/seed.js';
import { cleanUp } from './support/cleanup.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { resetConnections } from './support/faults/connectionResets.js';
import { killRelay, killSenders } from './support/faults/kills.js';

afterEach(cleanUp);

const KILLS = 20;
const DEATHS = 10;
const CUTS = 10;

const seed = chooseSeed(1);

test(`a relay killed ${KILLS} times keeps every acknowledged line, once and in order`, async () => {
  const account = await killRelay(KILLS, seed);
  expect(account).toStrictEqual(allDelivered(account.sent));
});

test(`lines acknowledged to ${DEATHS} killed senders are stored, once and in order`, async () => {
  const account = await killSenders(DEATHS, seed);
  expect(account).toStrictEqual(allDelivered(account.sent));
});

test(`a sender cut off in the middle of a line ${CUTS} times neither loses nor repeats a line`, async () => {
  const account = await resetConnections(CUTS, seed);
  expect(account).toStrictEqual(allDelivered(account.sent));
});
