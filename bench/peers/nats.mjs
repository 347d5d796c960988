import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { versionOf } from './installed.mjs';

export const natsCommand = ({ port, directory }, more = '', program = 'nats-server') => {
  const file = join(directory, 'nats.conf');
  // By default it disconnects slow subscribers.
  const text = `host: 127.0.0.1\nport: ${port}\nmax_pending: 1GB\nmax_connections: 65536\nwrite_deadline: "60s"\nping_interval: "10m"\n`;
  writeFileSync(file, text + more);
  return [program, '-c', file];
};

const peer = {
  install: 'apt-get install nats-server',
  version: () => versionOf('nats-server', '--version'),
};

export const nats = { ...peer, name: 'NATS', protocol: 'nats', command: (at) => natsCommand(at) };

/** Since 2.10 an option makes it sync each message. Older versions sync once a minute. */
const syncs = () => {
  const [major, minor] = (peer.version() ?? '0.0').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
};

const createStream = async (port) => {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const config = JSON.stringify({
    name: 'rooms',
    subjects: ['room0'],
    retention: 'limits',
    storage: 'file',
    max_bytes: -1,
    discard: 'old',
    num_replicas: 1,
  });
  let output = '';
  socket.on('data', (text) => (output += text)).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('CONNECT {"verbose":false,"headers":false}\r\nSUB made 1\r\n');
  socket.write(`PUB $JS.API.STREAM.CREATE.rooms made ${config.length}\r\n${config}\r\n`);
  for (let tries = 0; tries < 100 && !output.includes('"did_create"'); tries += 1) await wait(20);
  socket.destroy();
  if (!output.includes('"did_create":true')) throw new Error(`JetStream made no stream: ${output}`);
};

export const jetstream = {
  ...peer,
  name: syncs() ? 'NATS JetStream, sync always' : 'NATS JetStream, synced once a minute',
  protocol: 'jetstream',
  command: (at) =>
    natsCommand(
      at,
      `jetstream { store_dir: "${at.directory}"${syncs() ? ', sync_interval: always' : ''} }\n`,
    ),
  prepare: ({ port }) => createStream(port),
};
