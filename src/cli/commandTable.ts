import type { Observable } from 'rxjs';
import {
  BELLS,
  DROPPED,
  DURABILITIES,
  FERNET_ENGINES,
  KEY_CHANGES,
  LOG_LEVELS,
  LONG,
  NOTICES,
  SHELLS,
  type Wire,
  WIRES,
} from './choices.js';
import type { Args, Flag } from './flags.js';

/** Runs a command; the last value is its exit code. */
export type Run = (args: Args) => Observable<number>;

/** One command, as the parser, the help, the completions and the manual need it. */
export interface Command {
  readonly name: string;
  /** What comes after the name. */
  readonly input: string;
  /** How many words may come after the name. */
  readonly inputs: 0 | 1;
  /** What it is one of. */
  readonly inputChoices?: readonly string[];
  readonly summary: string;
  readonly examples: readonly string[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** A section of the config file that it shares with others; its own is called as it is. */
  readonly section?: 'clients';
  /** Loads it, by the wire that it speaks where it can speak several. */
  readonly load: Load | Readonly<Record<Wire, Load>>;
}

type Load = () => Promise<Run>;

const host: Flag = { type: 'string', value: 'HOST', help: 'address of the relay (127.0.0.1)', wires: 'any' };
const port: Flag = { type: 'number', value: 'PORT', help: 'port of the relay (55555)', wires: 'any' };
const plain: Flag = {
  type: 'boolean',
  help: 'no TLS: let nicks, room names and sizes cross the network in the clear',
};
const tls: Flag = { type: 'boolean', help: 'TLS within this machine, too' };
const pin: Flag = { type: 'string', value: 'PIN', help: "the pin of the relay's key, as serve shows it" };
const acceptKey: Flag = {
  type: 'boolean',
  help: 'go on where a nick has another key, or a relay that has no pin, and keep that',
};
const onKeyChange: Flag = {
  type: 'string',
  value: 'WHAT',
  choices: KEY_CHANGES,
  help: 'what to do with messages under a nick that has another key than before: mark them with !, skip them, or end with 5 (mark)',
};

const nick: Flag = { type: 'string', value: 'NAME', help: 'who you are in the room', wires: 'any' };
const inviteFile: Flag = {
  type: 'string',
  value: 'FILE',
  help: 'read the invite from a file; - is standard input',
  env: 'RXCHAT_INVITE',
  orInput: true,
};
const passphraseFile: Flag = {
  type: 'string',
  value: 'FILE',
  help: 'read the passphrase of a room that has one; or in RXCHAT_PASSPHRASE',
  env: 'RXCHAT_PASSPHRASE',
};
const fernetEngine: Flag = {
  type: 'string',
  value: 'ENGINE',
  choices: FERNET_ENGINES,
  help: 'node (node:crypto) or fernet (the npm package)',
  wires: 'any',
};
const heartbeat: Flag = {
  type: 'string',
  value: 'TIME',
  help: 'a connection that is silent for two of these is lost (15s)',
};
const timeout: Flag = {
  type: 'string',
  value: 'TIME',
  help: 'give up when no receipt comes for so long; 0 never does (30s)',
  wires: 'any',
};
const data: Flag = { type: 'string', value: 'DIR', help: "where the rooms' history is" };
const accessTokenFile: Flag = {
  type: 'string',
  value: 'FILE',
  help: 'access token of a private relay; or in RXCHAT_ACCESS_TOKEN',
  env: 'RXCHAT_ACCESS_TOKEN',
};
const wait: Flag = {
  type: 'string',
  value: 'TIME',
  help: 'try again for so long if the relay is not there yet, is restarting or is busy (0s)',
};
const client = {
  nick,
  inviteFile,
  passphraseFile,
  accessTokenFile,
  fernetEngine,
  heartbeat,
  wait,
  tls,
  plain,
  acceptKey,
} as const;

/** What becomes of lines of standard input that are too long. */
const long: Flag = {
  type: 'string',
  value: 'WHAT',
  choices: LONG,
  help: 'a line over 32 KiB: end (end there, with 6), cut (send its beginning), split (send it as several) or skip (leave it out; ends with 7)',
  wires: 'any',
};

/** The wire of an older chat (docs/classic-wire.md). */
const classic = {
  wire: {
    type: 'string',
    value: 'WIRE',
    choices: WIRES,
    help: 'rxchat/1, or classic: that of an older chat, with one key and without protection (rxchat/1)',
    wires: 'any',
  },
  silence: {
    type: 'string',
    value: 'TIME',
    help: 'classic: what came is whole when nothing more comes for so long (100ms, clients 20ms)',
    wires: 'classic',
  },
  gap: {
    type: 'string',
    value: 'TIME',
    help: 'classic: from one message to the next, so that each is read alone (10ms)',
    wires: 'classic',
  },
  acceptUnprotected: {
    type: 'boolean',
    help: 'classic: beyond this machine, too, where nothing but its key protects it',
    wires: 'classic',
  },
} as const satisfies Record<string, Flag>;
const keyFile: Flag = {
  type: 'string',
  value: 'FILE',
  help: 'classic: the key, 44 characters; or in RXCHAT_KEY',
  env: 'RXCHAT_KEY',
  wires: 'classic',
};
/** Where the clients have no invite. */
const classicHost: Flag = { ...host, help: 'classic: address of the server (127.0.0.1)', wires: 'classic' };
const classicPort: Flag = { ...port, help: 'classic: port of the server (55555)', wires: 'classic' };

/** What a relay on the open internet bears; `src/cli/limits.ts` has the defaults. */
const limits: Readonly<Record<string, Flag>> = {
  connections: {
    type: 'number',
    value: 'N',
    help: 'connections at a time; 0 has no limit (10000)',
    wires: 'any',
  },
  connectionsPerAddress: {
    type: 'number',
    value: 'N',
    help: 'of them from one IPv4 address or IPv6 /64; 0 behind a proxy (256)',
    wires: 'any',
  },
  joinsPerSecond: { type: 'number', value: 'N', help: 'joins a second, in all; 0 has no limit (200)' },
  joinsPerAddress: {
    type: 'number',
    value: 'N',
    help: 'of them from one address; 0 behind a proxy (10; on this machine no limit)',
  },
  newRoomsPerAddress: {
    type: 'number',
    value: 'N',
    help: 'new rooms an hour from one address; 0 behind a proxy (100; on this machine no limit)',
  },
  bytesPerAddress: {
    type: 'string',
    value: 'BYTES',
    help: 'an hour from one address; beyond, it is slowed; 0 behind a proxy (256MiB; on this machine no limit)',
  },
  handshakeTimeout: {
    type: 'string',
    value: 'TIME',
    help: 'time for a connection to join (10s)',
    wires: 'any',
  },
  rooms: { type: 'number', value: 'N', help: 'rooms in use at a time; 0 has no limit (10000)' },
  roomMembers: { type: 'number', value: 'N', help: 'members of a room; 0 has no limit (5000)' },
  connectionsPerNick: {
    type: 'number',
    value: 'N',
    help: 'connections of one person that share a nick (16)',
  },
  lineLimit: { type: 'string', value: 'BYTES', help: 'the longest line (64KiB)' },
  bytesPerSecond: {
    type: 'string',
    value: 'BYTES',
    help: 'of one connection; beyond, it is slowed; 0 has no limit (4MiB)',
    wires: 'any',
  },
  linesPerSecond: {
    type: 'number',
    value: 'N',
    help: 'of one connection; beyond, it is slowed; 0 has no limit (1000)',
    wires: 'any',
  },
  memoryLimit: { type: 'string', value: 'BYTES', help: "all rooms' windows together (256MiB)" },
  allowRoom: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'serve this room alone, by its public name; may be repeated',
  },
  accessTokenFile: {
    type: 'string',
    value: 'FILE',
    help: 'serve only who has one of these access tokens, one a line',
  },
};

/** What every command takes. */
const common: Readonly<Record<string, Flag>> = {
  help: { type: 'boolean', short: 'h', help: 'this help' },
  input: { type: 'boolean', negated: true, help: 'never ask for anything: what is missing ends it in 2' },
  color: { type: 'boolean', negated: true, help: 'no colours, as with NO_COLOR, TERM=dumb or in a pipe' },
};

/** All that may be given to a command. */
export const flagsOf = ({ flags }: Pick<Command, 'flags'>): Command['flags'] => ({ ...flags, ...common });

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
      data: { ...data, help: "directory for the rooms' history (in the state directory of the platform)" },
      memory: { type: 'boolean', help: 'keep history in memory alone; it is gone when the relay ends' },
      durability: {
        type: 'string',
        value: 'WORTH',
        choices: DURABILITIES,
        help: 'what stored means: disk, os (outlives the relay, not the machine) or memory (disk)',
      },
      keep: { type: 'string', value: 'TIME', help: 'forget entries that are older (30d)' },
      keepEntries: { type: 'number', value: 'N', help: 'forget all but the newest N of a room' },
      keepBytes: {
        type: 'string',
        value: 'BYTES',
        help: 'forget all but the newest so many of a room (64MiB)',
      },
      keepTotal: {
        type: 'string',
        value: 'BYTES',
        help: 'and of all rooms together, the largest of which give up entries first (1GiB)',
      },
      trustClock: {
        type: 'boolean',
        help: 'the clock is right, even if it is far ahead of when the relay ran last: --keep goes by it at once',
      },
      window: { type: 'string', value: 'BYTES', help: 'of which a room in use keeps in memory (16MiB)' },
      ...limits,
      heartbeat,
      logLevel: {
        type: 'string',
        value: 'LEVEL',
        choices: LOG_LEVELS,
        help: 'silent, error, warn, info, debug or trace (warn), on stderr',
        wires: 'any',
      },
      tls,
      plain,
      cert: {
        type: 'string',
        value: 'FILE',
        help: 'certificate and its chain in PEM, read again at SIGHUP, which otherwise ends serve (one of its own, in --data)',
      },
      key: { type: 'string', value: 'FILE', help: 'its private key in PEM' },
      web: { type: 'boolean', help: 'serve the page too, and take WebSockets: rooms in a browser' },
      webPort: { type: 'number', value: 'PORT', help: 'port of the page; 0 picks one (55580)' },
      webHost: { type: 'string', value: 'HOST', help: 'address that the page listens on (that of --host)' },
      webOrigin: {
        type: 'string',
        multiple: true,
        value: 'ORIGIN',
        help: 'let the pages of this origin connect too, such as https://chat.example.org; may be repeated',
      },
      webOriginOnly: {
        type: 'boolean',
        help: 'let the pages of --web-origin alone connect, not those that the relay serves itself',
      },
      ...classic,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/serve.js')).serve,
      classic: async () => (await import('../classic/commands/serve.js')).serve,
    },
  },
  {
    name: 'invite',
    input: '',
    inputs: 0,
    summary: 'make a room: print its invite; whoever has it is in',
    examples: [
      'rxchat invite --out room.txt',
      'rxchat invite --host chat.example.org --pin=PIN',
      'rxchat invite --passphrase --room "book club"',
    ],
    flags: {
      host,
      port,
      pin,
      passphrase: {
        type: 'boolean',
        help: 'a room of a passphrase, asked for here: the invite alone lets nobody in',
      },
      words: {
        type: 'number',
        value: 'N',
        help: 'make its passphrase of N words (6), and show it on stderr',
      },
      passphraseFile: {
        ...passphraseFile,
        help: 'read its passphrase from a file, to see whether it will do',
      },
      room: { type: 'string', value: 'NAME', help: 'what its room is called (a random name)' },
      out: {
        type: 'string',
        value: 'FILE',
        help: 'write it to a new file, for you alone, instead of standard output',
      },
    },
    load: async () => (await import('./commands/invite.js')).invite,
  },
  {
    name: 'join',
    section: 'clients',
    input: '[INVITE]',
    inputs: 1,
    summary: 'talk in a room; without an invite, in a new one',
    examples: ['rxchat join', 'rxchat join --invite-file room.txt --nick alice'],
    flags: {
      ...client,
      onKeyChange,
      last: {
        type: 'number',
        value: 'N',
        help: 'begin with the newest N messages, instead of where you left',
      },
      utc: { type: 'boolean', help: 'times in UTC, instead of those of this machine' },
      quiet: { type: 'boolean', help: 'do not tell who comes and goes' },
      bell: {
        type: 'string',
        value: 'WHEN',
        choices: BELLS,
        help: 'ring the bell of the terminal: mention (of your nick), all or off (mention)',
      },
      notify: {
        type: 'string',
        value: 'HOW',
        choices: NOTICES,
        help: 'a notice on the desktop with the bell: off, osc9 or osc777, whichever the terminal knows (off)',
      },
      qr: { type: 'boolean', help: 'show the invite as a QR code, too' },
      history: {
        type: 'boolean',
        negated: true,
        help: 'do not keep what you enter for the next time; a line that begins with a space is never kept',
      },
      timeout: { ...timeout, help: `in pipes: ${timeout.help}` },
      long: { ...long, help: `in pipes: ${long.help} (end)` },
      host,
      port,
      pin,
      ...classic,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/join.js')).join,
      classic: async () => (await import('../classic/commands/join.js')).join,
    },
  },
  {
    name: 'send',
    section: 'clients',
    input: '[INVITE]',
    inputs: 1,
    summary: 'send standard input, a message a line; ends when all are stored',
    examples: [
      'tail -f app.log | rxchat send --invite-file room.txt',
      'rxchat send --invite-file room.txt -m "done"',
      'git diff | rxchat send --invite-file room.txt --block',
    ],
    flags: {
      ...client,
      message: {
        type: 'string',
        short: 'm',
        value: 'TEXT',
        help: 'send this instead of standard input',
        wires: 'any',
      },
      block: { type: 'boolean', help: 'send all of standard input as one message' },
      drop: {
        type: 'string',
        value: 'WHICH',
        choices: DROPPED,
        help: 'oldest or newest: drop lines rather than make their writer wait, beyond 1 MiB; ends with 7, and how many are told',
      },
      long: { ...long, help: `${long.help} (end; with --drop, skip)` },
      stripAnsi: {
        type: 'boolean',
        help: 'leave colours and other sequences of a terminal out of what is sent',
        wires: 'any',
      },
      tee: {
        type: 'boolean',
        help: 'copy standard input to standard output; if nobody reads that any more, all is sent all the same',
      },
      json: { type: 'boolean', help: 'one JSON object for each message that is stored, a line each' },
      progress: {
        type: 'boolean',
        negated: true,
        help: 'on a terminal, no line on stderr that says how far a long input is',
      },
      quiet: { type: 'boolean', short: 'q', help: 'nothing on stderr but why it failed' },
      timeout: {
        ...timeout,
        help: 'give up when no receipt comes for so long, with 7 and how many; 0 never does (30s)',
      },
      spool: { type: 'boolean', help: 'keep what is not stored on disk, and send what an earlier run kept' },
      ...classic,
      host: classicHost,
      port: classicPort,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/send.js')).send,
      classic: async () => (await import('../classic/commands/send.js')).send,
    },
  },
  {
    name: 'listen',
    section: 'clients',
    input: '[INVITE]',
    inputs: 1,
    summary: 'print what is said, a line a message; a line break in a message becomes a symbol',
    examples: [
      'rxchat listen --invite-file room.txt',
      'rxchat listen --invite-file room.txt --json --last 10 | jq .text',
      'rxchat listen --invite-file room.txt --cursor-file room.cursor --json >> room.log',
      `rxchat listen --invite-file room.txt --no-self --exec 'notify-send "$RXCHAT_MESSAGE_NICK" "$(cat)"'`,
    ],
    flags: {
      ...client,
      onKeyChange,
      json: { type: 'boolean', help: 'one JSON object a line', wires: 'any' },
      events: { type: 'boolean', help: 'with --json: who comes and goes, and the connection, as lines too' },
      after: { type: 'number', value: 'N', help: 'begin after position N' },
      last: { type: 'number', value: 'N', help: 'begin with the newest N messages' },
      since: {
        type: 'string',
        value: 'TIME',
        help: "begin with what is not older, by its senders' clocks: 10m, 1h30m, yesterday, 2026-11-29, 2026-11-29T08:30",
      },
      cursorFile: {
        type: 'string',
        value: 'FILE',
        help: 'keep there how far one is, and begin there the next time; nothing is left out, at the worst something comes again',
      },
      self: { type: 'boolean', negated: true, help: 'leave out what you said yourself' },
      failOnGap: { type: 'boolean', help: 'end with 8 where entries are missing, before it is passed' },
      exec: {
        type: 'string',
        value: 'COMMAND',
        help: 'give each message to a command of the shell, on its standard input with its line breaks, one after the other',
      },
      untilNow: {
        type: 'boolean',
        help: 'print what the relay has, all of it or what is behind the cursor, and end with 0',
      },
      until: { type: 'string', value: 'TEXT', help: 'end with 0 after a message that contains TEXT' },
      timeout: {
        type: 'string',
        value: 'TIME',
        help: 'end with 9 when nothing else ended it within TIME, connecting included; 0 never does (0)',
      },
      time: {
        type: 'boolean',
        help: "begin each message with its time in UTC, by its sender's clock, as --json has it",
      },
      count: { type: 'number', short: 'n', value: 'COUNT', help: 'end after COUNT messages', wires: 'any' },
      retry: { type: 'boolean', negated: true, help: 'end when the connection is lost' },
      ...classic,
      host: classicHost,
      port: classicPort,
      keyFile,
    },
    load: {
      'rxchat/1': async () => (await import('./commands/listen.js')).listen,
      classic: async () => (await import('../classic/commands/listen.js')).listen,
    },
  },
  {
    name: 'key',
    input: '',
    inputs: 0,
    summary: 'make a key for --wire classic',
    examples: ['rxchat key --key-file chat.key', 'RXCHAT_KEY=$(rxchat key)'],
    flags: {
      keyFile: { ...keyFile, help: 'write it to a new file, for you alone, instead of standard output' },
    },
    load: async () => (await import('../classic/commands/key.js')).key,
  },
  {
    name: 'check',
    input: '',
    inputs: 0,
    summary: "read all of a relay's history and say whether it is whole; serve does so when it starts",
    examples: ['rxchat check', 'rxchat check --data /var/lib/rxchat'],
    flags: { data },
    load: async () => (await import('./commands/check.js')).check,
  },
  {
    name: 'completion',
    input: 'SHELL',
    inputs: 1,
    inputChoices: SHELLS,
    summary: 'print the completions for bash, zsh or fish',
    examples: [
      'source <(rxchat completion bash)',
      'rxchat completion zsh > "${fpath[1]}/_rxchat"',
      'rxchat completion fish > ~/.config/fish/completions/rxchat.fish',
    ],
    flags: {},
    load: async () => (await import('./commands/completion.js')).completion,
  },
];
