import { resolve } from 'node:path';

/** What Node's sockets allow a relay: see bench/relays/node.mjs. */
export const node = {
  name: 'bare Node',
  protocol: 'lines',
  install: 'Node',
  version: () => process.version,
  command: ({ port }) => [process.execPath, resolve(import.meta.dirname, '../relays/node.mjs'), String(port)],
};
