import { ADMIN_ACTIONS } from '../admin/protocol.js';
import type { CliCommand } from './args/command.js';
import { data } from './serveFlags.js';

/** `admin`: asks a running relay through the socket in its directory. */
export const adminCommand: CliCommand = {
  name: 'admin',
  input: 'ACTION [TARGET]',
  maxInputs: 2,
  inputChoices: ADMIN_ACTIONS,
  summary: 'show and steer a relay that runs on this machine',
  examples: [
    'rxchat admin status',
    'rxchat admin connections --json | jq .total',
    'rxchat admin log-level debug',
  ],
  flags: {
    data: { ...data, help: 'directory of the relay (default: in the state directory of the platform)' },
    json: { type: 'boolean', help: 'print one JSON object' },
  },
  load: async () => (await import('./commands/admin/admin.js')).admin,
};
