import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(import.meta.url);

/** The obvious first version of a relay: see bench/relays/naive.mjs. */
export const naive = {
  name: 'naive RxJS',
  protocol: 'lines',
  install: 'npm ci',
  unbatched: true,
  version: () => `rxjs ${require('rxjs/package.json').version}`,
  command: ({ port }) => [
    process.execPath,
    resolve(import.meta.dirname, '../relays/naive.mjs'),
    String(port),
  ],
};
