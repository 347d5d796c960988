import { afterEach, expect, test } from '@jest/globals';
import { cleanUp } from './support/cleanup.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { linkFaults } from './support/faults/linkFaults.js';

afterEach(cleanUp);

test.each(linkFaults)('nothing is lost, repeated or out of order when $fault', async ({ run }) => {
  const account = await run(0);
  expect(account).toStrictEqual(allDelivered(account.sent));
});
