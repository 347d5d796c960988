import type { Observable } from 'rxjs';
import type { Args, Flag } from './flags.js';

/** Runs a command; the last value is its exit code. */
export type Run = (args: Args) => Observable<number>;

/** One command, as the parser, the help and later the manual need it. */
export interface Command {
  readonly name: string;
  /** What comes after the name. */
  readonly input: string;
  /** How many words may come after the name. */
  readonly inputs: 0 | 1;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly flags: Readonly<Record<string, Flag>>;
  readonly load: () => Promise<Run>;
}

const host: Flag = { type: 'string', value: 'HOST', help: 'address of the relay (127.0.0.1)' };
const port: Flag = { type: 'number', value: 'PORT', help: 'port of the relay (55555)' };
const plain: Flag = {
  type: 'boolean',
  help: 'let nicks, room names and sizes cross the network in the clear',
};

const nick: Flag = { type: 'string', value: 'NAME', help: 'who you are in the room' };
const inviteFile: Flag = { type: 'string', value: 'FILE', help: 'read the invite from a file' };
const fernetEngine: Flag = {
  type: 'string',
  value: 'ENGINE',
  help: 'node (node:crypto) or fernet (the npm package)',
};
const client = { nick, inviteFile, fernetEngine, plain } as const;

export const COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    input: '',
    inputs: 0,
    summary: 'run a relay, which cannot read what it relays',
    examples: ['rxchat serve', 'rxchat serve --port 0 --log-level info'],
    flags: {
      host: { ...host, help: 'address to listen on (127.0.0.1)' },
      port: { ...port, help: 'port to listen on; 0 picks one (55555)' },
      window: { type: 'string', value: 'BYTES', help: 'history kept in memory for each room (16MiB)' },
      logLevel: {
        type: 'string',
        value: 'LEVEL',
        help: 'silent, error, warn, info, debug or trace (warn), on stderr',
      },
      plain,
    },
    load: async () => (await import('./commands/serve.js')).serve,
  },
  {
    name: 'invite',
    input: '',
    inputs: 0,
    summary: 'make a room: print its invite; whoever has it is in',
    examples: ['rxchat invite > room.txt', 'rxchat invite --host chat.example.org'],
    flags: { host, port },
    load: async () => (await import('./commands/invite.js')).invite,
  },
  {
    name: 'join',
    input: '[INVITE]',
    inputs: 1,
    summary: 'talk in a room; without an invite, in a new one',
    examples: ['rxchat join', 'rxchat join --invite-file room.txt --nick alice'],
    flags: {
      ...client,
      last: { type: 'number', value: 'N', help: 'begin with the newest N entries' },
      host,
      port,
    },
    load: async () => (await import('./commands/join.js')).join,
  },
  {
    name: 'send',
    input: '[INVITE]',
    inputs: 1,
    summary: 'send standard input, a message a line; ends when all are stored',
    examples: [
      'tail -f app.log | rxchat send --invite-file room.txt',
      'rxchat send --invite-file room.txt -m "done"',
    ],
    flags: {
      ...client,
      message: { type: 'string', short: 'm', value: 'TEXT', help: 'send this instead of standard input' },
    },
    load: async () => (await import('./commands/send.js')).send,
  },
  {
    name: 'listen',
    input: '[INVITE]',
    inputs: 1,
    summary: 'print what is said, a line a message',
    examples: [
      'rxchat listen --invite-file room.txt',
      'rxchat listen --invite-file room.txt --json --last 10 | jq .text',
    ],
    flags: {
      ...client,
      json: { type: 'boolean', help: 'one JSON object a line' },
      after: { type: 'number', value: 'N', help: 'begin after position N' },
      last: { type: 'number', value: 'N', help: 'begin with the newest N entries' },
      count: { type: 'number', short: 'n', value: 'COUNT', help: 'end after COUNT messages' },
    },
    load: async () => (await import('./commands/listen.js')).listen,
  },
];
