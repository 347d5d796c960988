import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionOf } from './installed.mjs';

const limits = ['MaxConnections', 'MaxConnectionsIP', 'MaxJoins', 'MaxPenaltyTime'].map(
  (name) => `${name} = 0`,
);

export const ngircd = {
  name: 'ngircd',
  protocol: 'irc',
  install: 'apt-get install ngircd',
  // A line of IRC has 512 bytes. The server announces each join to every member of the channel, one by one.
  takes: ({ size, subscribers }) => size <= 400 && subscribers <= 1000,
  concurrency: 10,
  window: 100,
  version: () => versionOf('ngircd', '--version'),
  command: ({ port, directory }) => {
    const file = join(directory, 'ngircd.conf');
    const text = [
      ...['[Global]', 'Name = irc.bench.invalid', 'Listen = 127.0.0.1', `Ports = ${port}`],
      ...[`ServerUID = ${process.getuid()}`, `ServerGID = ${process.getgid()}`],
      ...['[Limits]', ...limits, 'PingTimeout = 3600', 'PongTimeout = 3600'],
      ...['[Options]', 'DNS = no', 'Ident = no', 'PAM = no'],
    ];
    writeFileSync(file, `${text.join('\n')}\n`);
    return ['ngircd', '-n', '-f', file];
  },
};
