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
    'rxchat admin kick bob',
    'rxchat admin ban 192.0.2.0/24 --for 1d',
    'rxchat admin delete-room ROOM',
    'rxchat admin drain --for 30s',
    'rxchat admin reload',
  ],
  flags: {
    data: { ...data, help: 'directory of the relay (default: in the state directory of the platform)' },
    for: {
      type: 'string',
      placeholder: 'TIME',
      help: 'how long a ban holds, such as 1d (default: until unban), or when drain stops the relay (default 0)',
    },
    json: { type: 'boolean', help: 'print one JSON object' },
  },
  load: async () => (await import('./commands/admin/admin.js')).admin,
};
