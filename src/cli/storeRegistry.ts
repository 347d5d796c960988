import type { CliCommand } from './args/command.js';
import { data } from './serveFlags.js';

/** Commands for the store of a relay, in the order of the help. */
export const storeCommands: readonly CliCommand[] = [
  {
    name: 'check',
    input: '',
    maxInputs: 0,
    summary: "verify all of a relay's history, as serve does when it starts",
    examples: ['rxchat check', 'rxchat check --data /var/lib/rxchat'],
    flags: { data },
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
];
