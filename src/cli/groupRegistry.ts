import type { CliCommand } from './args/command.js';
import type { Flag } from './args/flags.js';
import { clientFlags } from './clientFlags.js';

/** `--forget`: how long a device can read again what it has read in a group room. */
export const forget: Flag = {
  type: 'string',
  placeholder: 'TIME',
  help: 'group rooms: how long this device can read messages again: 0, a time, or never; kept for later commands (at first 7d)',
};

/** `--as-member`: sends as a device of the group. */
export const asMember: Flag = {
  type: 'boolean',
  help: 'group rooms: send as a member, with the state of this device; by default no membership is needed',
};

const json: Flag = { type: 'boolean', help: 'print one JSON object' };
const yes: Flag = {
  type: 'boolean',
  help: 'do it; without this flag the command only says what it would do',
};

/** Commands for the members of a group room, in the order of the help. */
export const groupCommands: readonly CliCommand[] = [
  {
    name: 'members',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'list who can read a group room, with their devices',
    examples: [
      'rxchat members --invite-file room.txt',
      'rxchat members --invite-file room.txt --json | jq .code',
    ],
    flags: { ...clientFlags, json },
    load: async () => (await import('./commands/group/members.js')).members,
  },
  {
    name: 'remove',
    section: 'clients',
    input: 'NICK',
    maxInputs: 1,
    summary: 'remove a person from a group room, and print its next invite',
    examples: [
      'rxchat remove bob --invite-file room.txt',
      'rxchat remove bob --yes --invite-file room.txt > next.txt',
    ],
    flags: { ...clientFlags, yes, json },
    load: async () => (await import('./commands/group/remove.js')).remove,
  },
  {
    name: 'rotate',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'give a group room another invite, and print it; the present one then admits nobody',
    examples: ['rxchat rotate --invite-file room.txt > next.txt'],
    flags: { ...clientFlags, json },
    load: async () => (await import('./commands/group/rotate.js')).rotate,
  },
  {
    name: 'leave',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'stop being a member of a group room on this machine',
    examples: ['rxchat leave --yes --invite-file room.txt'],
    flags: { ...clientFlags, yes, json },
    load: async () => (await import('./commands/group/leave.js')).leave,
  },
];
