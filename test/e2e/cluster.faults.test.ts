import { afterEach, expect } from '@jest/globals';
import { chooseSeed } from '../support/seed.js';
import { withNats, withNatsCluster } from '../support/withNats.js';
import { cleanUp } from './support/cleanup.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { sharedFaults } from './support/faults/sharedFaults.js';

const oneServer = withNats('faults of relays that share rooms are not tested');
const threeServers = withNatsCluster('faults of clusters are not tested');
const seed = chooseSeed(1);
afterEach(cleanUp);

for (const { fault, needsCluster, run } of sharedFaults.filter(({ isLong }) => !isLong))
  (needsCluster ? threeServers : oneServer)(
    `nothing is lost, repeated or out of order with ${fault}`,
    async () => {
      const report = await run(seed);
      expect(report).toStrictEqual(allDelivered(report.sent));
    },
  );
