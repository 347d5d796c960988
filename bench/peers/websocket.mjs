import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(import.meta.url);

/** A broadcast with the npm package `ws`: see bench/relays/websocket.mjs. */
export const websocket = {
  name: 'ws',
  protocol: 'websocket',
  install: 'npm ci',
  unbatched: true,
  version: () => {
    try {
      return require('ws/package.json').version;
    } catch {
      return undefined;
    }
  },
  command: ({ port }) => [
    process.execPath,
    resolve(import.meta.dirname, '../relays/websocket.mjs'),
    String(port),
  ],
};
