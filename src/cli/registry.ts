import { BELL_MODES, DROP_POLICIES, NOTIFY_MODES, SHELLS } from './args/choices.js';
import type { CliCommand } from './args/command.js';
import {
  classicFlags,
  classicHost,
  classicPort,
  clientFlags,
  groupInviteFlags,
  host,
  keyFile,
  longLines,
  onKeyChange,
  passphraseFile,
  pin,
  port,
  relay,
  timeout,
} from './clientFlags.js';
import { asMember, forget, groupCommands } from './groupRegistry.js';
import { adminCommand } from './adminRegistry.js';
import { serveFlags } from './serveFlags.js';
import { storeCommands } from './storeRegistry.js';

/**
 * All commands, in the order of the help. This is a single file because it is a table: help, manual and
 * completions are generated from it.
 */
export const COMMANDS: readonly CliCommand[] = [
  {
    name: 'serve',
    input: '',
    maxInputs: 0,
    summary: 'run a relay, which cannot read the messages',
    examples: ['rxchat serve', 'rxchat serve --port 0 --log-level info'],
    flags: serveFlags,
    load: {
      'rxchat/1': async () => (await import('./commands/serve/serve.js')).serve,
      classic: async () => (await import('./classic/serve.js')).serve,
    },
  },
  {
    name: 'invite',
    input: '',
    maxInputs: 0,
    summary: 'create a room and print its invite, which admits anyone who has it',
    examples: [
      'rxchat invite --out room.txt',
      'rxchat invite --host chat.example.org --pin=PIN',
      'rxchat invite --passphrase --room "book club"',
      'rxchat invite --group --out room.txt',
    ],
    flags: {
      host,
      port,
      relay,
      pin,
      passphrase: {
        type: 'boolean',
        help: 'protect the room with a passphrase, asked for here; the invite alone admits nobody',
      },
      words: {
        type: 'number',
        placeholder: 'N',
        help: 'generate the passphrase from N words and print it on stderr (default 6)',
      },
      passphraseFile: {
        ...passphraseFile,
        help: 'read the passphrase from FILE and check its strength',
      },
      room: { type: 'string', placeholder: 'NAME', help: 'label of the room (default: a random name)' },
      group: {
        type: 'boolean',
        help: 'create a group room on the relay: its keys change, and members can be removed (experimental)',
      },
      anyoneRemoves: { type: 'boolean', help: 'with --group: every member may remove others, not only you' },
      ...groupInviteFlags,
      out: {
        type: 'string',
        placeholder: 'FILE',
        help: 'write the invite to a new file that only you can read, instead of stdout',
      },
    },
    load: async () => (await import('./commands/invite.js')).invite,
  },
  {
    name: 'join',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'chat in a room; without an invite, create a room',
    examples: ['rxchat join', 'rxchat join --invite-file room.txt --nick alice'],
    flags: {
      ...clientFlags,
      onKeyChange,
      last: {
        type: 'number',
        placeholder: 'N',
        help: 'start with the newest N messages, instead of where you left',
      },
      utc: { type: 'boolean', help: 'show times in UTC instead of local time' },
      quiet: { type: 'boolean', help: 'hide joins and leaves' },
      bell: {
        type: 'string',
        placeholder: 'WHEN',
        choices: BELL_MODES,
        help: 'ring the terminal bell: mention (of your nick), all or off (default mention)',
      },
      notify: {
        type: 'string',
        placeholder: 'HOW',
        choices: NOTIFY_MODES,
        help: 'show a desktop notification with the bell: off, osc9 or osc777, as the terminal supports (default off)',
      },
      qr: { type: 'boolean', help: 'also show the invite as a QR code' },
      forget,
      history: {
        type: 'boolean',
        negated: true,
        help: 'do not save what you enter; a line that starts with a space is never saved',
      },
      timeout: { ...timeout, help: `in pipes: ${timeout.help}` },
      long: { ...longLines, help: `in pipes: ${longLines.help} (default end)` },
      host,
      port,
      relay,
      pin,
      ...classicFlags,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/join/join.js')).join,
      classic: async () => (await import('./classic/join.js')).join,
    },
  },
  {
    name: 'send',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'send standard input, one message per line; exit when all are stored',
    examples: [
      'tail -f app.log | rxchat send --invite-file room.txt',
      'rxchat send --invite-file room.txt -m "done"',
      'git diff | rxchat send --invite-file room.txt --block',
    ],
    flags: {
      ...clientFlags,
      message: {
        type: 'string',
        short: 'm',
        placeholder: 'TEXT',
        help: 'send TEXT instead of standard input',
        wires: 'any',
      },
      block: { type: 'boolean', help: 'send all of standard input as one message' },
      drop: {
        type: 'string',
        placeholder: 'WHICH',
        choices: DROP_POLICIES,
        help: 'drop the oldest or newest lines when more than 1 MiB is waiting, instead of blocking; exits 7 if any were dropped',
      },
      long: { ...longLines, help: `${longLines.help} (default end; with --drop, skip)` },
      stripAnsi: {
        type: 'boolean',
        help: 'remove colours and other terminal sequences',
        wires: 'any',
      },
      tee: {
        type: 'boolean',
        help: 'copy standard input to standard output; keep sending if the reader of the copy exits',
      },
      json: { type: 'boolean', help: 'print one JSON object per stored message' },
      progress: {
        type: 'boolean',
        negated: true,
        help: 'no progress line on stderr for a long input',
      },
      quiet: { type: 'boolean', short: 'q', help: 'print only errors' },
      timeout: {
        ...timeout,
        help: 'give up after this long without a receipt, exit 7 and print the count; 0 = never (default 30s)',
      },
      spool: {
        type: 'boolean',
        help: 'save unstored messages on disk, and send those that an earlier run saved',
      },
      asMember,
      ...classicFlags,
      host: classicHost,
      port: classicPort,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/send/send.js')).send,
      classic: async () => (await import('./classic/send.js')).send,
    },
  },
  {
    name: 'listen',
    section: 'clients',
    input: '[INVITE]',
    maxInputs: 1,
    summary: 'print messages, one per line; a line break in a message becomes a symbol',
    examples: [
      'rxchat listen --invite-file room.txt',
      'rxchat listen --invite-file room.txt --json --last 10 | jq .text',
      'rxchat listen --invite-file room.txt --cursor-file room.cursor --json >> room.log',
      `rxchat listen --invite-file room.txt --no-self --exec 'notify-send "$RXCHAT_MESSAGE_NICK" "$(cat)"'`,
    ],
    flags: {
      ...clientFlags,
      onKeyChange,
      json: { type: 'boolean', help: 'print one JSON object per line', wires: 'any' },
      events: { type: 'boolean', help: 'with --json: also print joins, leaves and connection changes' },
      after: { type: 'number', placeholder: 'N', help: 'start after position N' },
      last: { type: 'number', placeholder: 'N', help: 'start with the newest N messages' },
      since: {
        type: 'string',
        placeholder: 'TIME',
        help: "start with messages sent since TIME, by the senders' clocks: 10m, 1h30m, yesterday, 2026-11-29, 2026-11-29T08:30",
      },
      cursorFile: {
        type: 'string',
        placeholder: 'FILE',
        help: 'save the read position in FILE and resume from it; after a crash messages may repeat, none are skipped',
      },
      self: { type: 'boolean', negated: true, help: 'leave out your own messages' },
      failOnGap: { type: 'boolean', help: 'exit 8 at the first gap' },
      exec: {
        type: 'string',
        placeholder: 'COMMAND',
        help: 'run COMMAND in a shell for each message in turn, with the message on its standard input',
      },
      untilNow: {
        type: 'boolean',
        help: 'print what the relay has stored, all of it or from the cursor on, and exit 0',
      },
      until: { type: 'string', placeholder: 'TEXT', help: 'exit 0 after a message that contains TEXT' },
      timeout: {
        type: 'string',
        placeholder: 'TIME',
        help: 'exit 9 if nothing else ended it within TIME, connecting included; 0 = never (default 0)',
      },
      time: {
        type: 'boolean',
        help: "start each message with its time in UTC, by its sender's clock",
      },
      count: {
        type: 'number',
        short: 'n',
        placeholder: 'COUNT',
        help: 'exit after COUNT messages',
        wires: 'any',
      },
      retry: { type: 'boolean', negated: true, help: 'exit when the connection is lost' },
      forget,
      ...classicFlags,
      host: classicHost,
      port: classicPort,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/listen/listen.js')).listen,
      classic: async () => (await import('./classic/listen.js')).listen,
    },
  },
  ...groupCommands,
  {
    name: 'key',
    input: '',
    maxInputs: 0,
    summary: 'create a key for --wire classic',
    examples: ['rxchat key --key-file chat.key', 'RXCHAT_KEY=$(rxchat key)'],
    flags: {
      keyFile: {
        ...keyFile,
        help: 'write the key to a new file that only you can read, instead of stdout',
      },
    },
    load: async () => (await import('./classic/key.js')).key,
  },
  ...storeCommands,
  adminCommand,
  {
    name: 'completion',
    input: 'SHELL',
    maxInputs: 1,
    inputChoices: SHELLS,
    summary: 'print completions for bash, zsh or fish',
    examples: [
      'source <(rxchat completion bash)',
      'rxchat completion zsh > "${fpath[1]}/_rxchat"',
      'rxchat completion fish > ~/.config/fish/completions/rxchat.fish',
    ],
    flags: {},
    load: async () => (await import('./commands/completion.js')).completion(COMMANDS),
  },
];
