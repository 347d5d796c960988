import { test } from '@jest/globals';
import { hasNats, hasNatsCluster } from './natsServer.js';

const skipped = (reason: string): typeof test.skip => {
  if (process.env['RXCHAT_NEED_NATS'] !== undefined) throw new Error(reason);
  console.warn(`SKIPPED: ${reason}`);
  return test.skip;
};

/** Skips tests that need a nats-server if it is missing, and reports that. With RXCHAT_NEED_NATS they fail instead. */
export const withNats = (what: string): typeof test | typeof test.skip =>
  hasNats() ? test : skipped(`nats-server is not installed, so ${what}`);

/** Skips tests that need a nats-server for clusters, 2.11 or newer, if it was not fetched, and reports that. */
export const withNatsCluster = (what: string): typeof test | typeof test.skip => {
  if (hasNatsCluster()) return test;
  console.warn(`SKIPPED: a newer nats-server was not fetched by scripts/fetchNats.mjs, so ${what}`);
  return test.skip;
};
