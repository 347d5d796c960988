import { join } from 'node:path';

/** What the machine allows a relay of rxchat's design: see bench/relays/relay.c. */
export const relayInC = {
  name: 'C relay',
  protocol: 'lines',
  install: 'apt-get install gcc',
  version: () => 'of this bench',
  command: ({ port, tools, work }) => [join(tools, 'relay'), String(port), work.rooms > 1 ? '256' : '4096'],
};
