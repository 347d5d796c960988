import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const bin = resolve(root, 'dist/bin/rxchat.js');

/** Flags that turn the limits off, since the peers have none or run with theirs turned off. */
const unlimited = [
  'connections',
  'connections-per-address',
  'joins-per-second',
  'rooms',
  'room-members',
  'bytes-per-second',
  'lines-per-second',
].flatMap((limit) => [`--${limit}`, '0']);

const serve = ({ port }, ...more) => [
  process.execPath,
  ...[
    bin,
    'serve',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--heartbeat',
    '1h',
    // The load generator signs the joins, and gets little time on a busy machine.
    '--handshake-timeout',
    '10m',
    '--log-level',
    'error',
  ],
  ...unlimited,
  ...more,
];

const peer = {
  protocol: 'rxchat',
  install: 'npm run build',
  version: () =>
    existsSync(bin) ? JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).version : undefined,
};

export const rxchat = { ...peer, name: 'rxchat', command: (at) => serve(at, '--memory') };

const onDisk = (durability) => ({
  ...peer,
  name: `rxchat, durability ${durability}`,
  command: (at) => serve(at, '--data', at.directory, '--durability', durability),
});

export const rxchatOnDisk = onDisk('disk');
export const rxchatOnOs = onDisk('os');

/** A relay that shares its rooms in a store of NATS servers. */
export const rxchatShared = (servers, durability) => ({
  ...peer,
  name: 'rxchat, shared rooms',
  command: (at) =>
    serve(
      at,
      '--store',
      `nats://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      '--store-replicas',
      String(servers.length),
      '--durability',
      durability,
    ),
});
