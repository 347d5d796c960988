import { versionOf } from './installed.mjs';

const server = ({ port, directory }, ...more) => [
  'redis-server',
  ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
  ...['--maxclients', '19000', '--tcp-backlog', '4096'],
  // By default it disconnects slow subscribers.
  ...['--client-output-buffer-limit', 'pubsub 0 0 0'],
  ...more,
];

const peer = {
  install: 'apt-get install redis-server',
  version: () => versionOf('redis-server', '--version'),
};

export const redis = {
  ...peer,
  name: 'Redis pub/sub',
  protocol: 'redis',
  command: (at) => server(at, '--appendonly', 'no'),
};

/** Redis writes each entry to disk before it acknowledges it. */
export const redisStreams = {
  ...peer,
  name: 'Redis Streams, fsync always',
  protocol: 'redis-streams',
  command: (at) => server(at, '--appendonly', 'yes', '--appendfsync', 'always'),
};
