import { afterEach, expect, test } from '@jest/globals';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { linkFaults } from './support/faults/linkFaults.js';

afterEach(endAll);

test.each(linkFaults)(
  'nothing is lost, repeated or out of order when $fault',
  async ({ run }) => {
    const account = await run(0);
    expect(account).toStrictEqual(allWell(account.sent));
  },
  120_000,
);
