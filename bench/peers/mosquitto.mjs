import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionOf } from './installed.mjs';

export const mosquitto = {
  name: 'mosquitto',
  protocol: 'mqtt',
  install: 'apt-get install mosquitto',
  unbatched: true,
  version: () => versionOf('mosquitto', '-h'),
  command: ({ port, directory }) => {
    const file = join(directory, 'mosquitto.conf');
    // By default it drops messages of slow subscribers.
    const limits = 'max_queued_messages 0\nmax_queued_bytes 0\nset_tcp_nodelay true\n';
    const text = `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n`;
    writeFileSync(file, text + limits);
    return ['mosquitto', '-c', file];
  },
};
