import type { CliCommand } from './args/command.js';
import type { Flag } from './args/flags.js';
import { data, store, storeAccessFlags } from './serveFlags.js';

/** Flags of `check`. */
const checkFlags: Readonly<Record<string, Flag>> = {
  data,
  store: { ...store, help: 'check the store of several relays instead, while they run' },
  ...storeAccessFlags,
  storeKeyFile: {
    ...storeAccessFlags['storeKeyFile'],
    type: 'string',
    help: 'the key of the relays, if they have one',
  },
  storeTimeout: {
    ...storeAccessFlags['storeTimeout'],
    type: 'string',
    help: 'time in which the store has to answer (default 30s)',
  },
  salvage: {
    type: 'string',
    placeholder: 'DIR',
    help: 'copy what can be read of a damaged history to a new directory; exits 7 if entries are lost',
  },
  json: { type: 'boolean', help: 'print one JSON object per damaged room, and one for the result' },
};

/** Commands for the store of a relay, in the order of the help. */
export const storeCommands: readonly CliCommand[] = [
  {
    name: 'check',
    input: '',
    maxInputs: 0,
    summary: "verify all of a relay's history, as serve does when it starts, or the store of several relays",
    examples: [
      'rxchat check',
      'rxchat check --data /var/lib/rxchat',
      'rxchat check --data /var/lib/rxchat.damaged --salvage /var/lib/rxchat',
      'rxchat check --store tls://a:4222,b:4222,c:4222 --store-creds relay.creds',
    ],
    flags: checkFlags,
    load: async () => (await import('./commands/store/check.js')).check,
  },
  {
    name: 'backup',
    input: 'DIR',
    maxInputs: 1,
    summary: "copy a relay's history to a new directory while the relay runs, and verify the copy",
    examples: ['rxchat backup /backup/$(date +%F)', 'rxchat backup --data /var/lib/rxchat /backup/today'],
    flags: { data },
    load: async () => (await import('./commands/store/backup.js')).backup,
  },
  {
    name: 'restore',
    input: 'DIR',
    maxInputs: 1,
    summary: 'restore the backup in DIR, for a relay that is stopped and has no history',
    examples: ['rxchat restore /backup/today', 'rxchat restore --data /var/lib/rxchat /backup/today'],
    flags: { data },
    load: async () => (await import('./commands/store/restore.js')).restore,
  },
];
