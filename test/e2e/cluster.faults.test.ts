import { afterEach, expect, test } from '@jest/globals';
import { chooseSeed } from '../support/seed.js';
import { withNats } from '../support/withNats.js';
import { cleanUp } from './support/cleanup.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { sharedFaults } from './support/faults/sharedFaults.js';

withNats('faults of relays that share rooms are not tested');
const seed = chooseSeed(1);
afterEach(cleanUp);

for (const { fault, missing, run } of sharedFaults.filter(({ isLong }) => !isLong)) {
  const reason = missing();
  if (reason !== undefined) console.warn(`SKIPPED: ${fault}: ${reason}`);
  (reason === undefined ? test : test.skip)(
    `nothing is lost, repeated or out of order with ${fault}`,
    async () => {
      const report = await run(seed);
      expect(report).toStrictEqual(allDelivered(report.sent));
    },
  );
}
