import { FERNET_ENGINES, KEY_CHANGE_POLICIES, LONG_LINE_POLICIES, WIRES } from './args/choices.js';
import type { Flag } from './args/flags.js';

/** `--host`: the address of the relay. */
export const host: Flag = {
  type: 'string',
  placeholder: 'HOST',
  help: 'address of the relay (default 127.0.0.1)',
  wires: 'any',
};

/** `--port`: the port of the relay. */
export const port: Flag = {
  type: 'number',
  placeholder: 'PORT',
  help: 'port of the relay (default 55555)',
  wires: 'any',
};

/** `--relay`: another relay that shares its rooms with the one of `--host` and `--port`. */
export const relay: Flag = {
  type: 'string',
  placeholder: 'HOST:PORT',
  multiple: true,
  help: 'another relay of the same store, with the same key; can be repeated',
};

/** `--plain`: no TLS. */
export const plain: Flag = {
  type: 'boolean',
  help: 'no TLS: nicks, room names and sizes cross the network unencrypted',
};

/** `--tls`: TLS on this machine, too. */
export const tls: Flag = { type: 'boolean', help: 'use TLS on this machine, too' };

/** `--pin`: the pin of the relay's key. */
export const pin: Flag = {
  type: 'string',
  placeholder: 'PIN',
  help: "pin of the relay's key, as printed by serve",
};
const acceptKey: Flag = {
  type: 'boolean',
  help: 'accept a changed key of a nick, or of a relay without a pin, and remember it',
};

/** `--on-key-change`: what to do with messages under a changed key. */
export const onKeyChange: Flag = {
  type: 'string',
  placeholder: 'ACTION',
  choices: KEY_CHANGE_POLICIES,
  help: 'messages under a nick whose key changed: mark them with !, skip them, or end with exit code 5 (default mark)',
};

const nick: Flag = { type: 'string', placeholder: 'NAME', help: 'your nick in the room', wires: 'any' };
const inviteFile: Flag = {
  type: 'string',
  placeholder: 'FILE',
  help: 'read the invite from FILE; - is standard input',
  env: 'RXCHAT_INVITE',
  orArgument: true,
};

/** `--passphrase-file`: where the passphrase of the room is. */
export const passphraseFile: Flag = {
  type: 'string',
  placeholder: 'FILE',
  help: 'read the passphrase of the room from FILE (or RXCHAT_PASSPHRASE)',
  env: 'RXCHAT_PASSPHRASE',
};
const fernetEngine: Flag = {
  type: 'string',
  placeholder: 'ENGINE',
  choices: FERNET_ENGINES,
  help: 'cipher implementation: node (node:crypto) or fernet (npm package) (default node)',
  wires: 'any',
};

/** `--heartbeat`: the interval of the heartbeat. */
export const heartbeat: Flag = {
  type: 'string',
  placeholder: 'TIME',
  help: 'heartbeat interval; the connection is lost after two without traffic (default 15s)',
};

/** `--timeout`: how long to wait for a receipt. */
export const timeout: Flag = {
  type: 'string',
  placeholder: 'TIME',
  help: 'give up after this long without a receipt; 0 = never (default 30s)',
  wires: 'any',
};
const accessTokenFile: Flag = {
  type: 'string',
  placeholder: 'FILE',
  help: 'read the access token of a private relay from FILE (or RXCHAT_ACCESS_TOKEN)',
  env: 'RXCHAT_ACCESS_TOKEN',
};
const wait: Flag = {
  type: 'string',
  placeholder: 'TIME',
  help: 'keep trying for TIME if the relay is unreachable, restarting or busy (default 0s)',
};

/** Flags of all commands that join a room. */
export const clientFlags: Readonly<Record<string, Flag>> = {
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
};

/** Flags of `invite` that only `--group` needs, since it connects to the relay. */
export const groupInviteFlags: Readonly<Record<string, Flag>> = Object.fromEntries(
  Object.entries({ accessTokenFile, wait, tls, plain, acceptKey }).map(([key, flag]) => [
    key,
    { ...flag, help: `with --group: ${flag.help}` },
  ]),
);

/** What to do with lines of standard input that are too long for a message. */
export const longLines: Flag = {
  type: 'string',
  placeholder: 'ACTION',
  choices: LONG_LINE_POLICIES,
  help: 'a line over 32 KiB: end (exit 6), cut (send its beginning), split (send several messages) or skip (drop it; exit 7)',
  wires: 'any',
};

/** Flags of the classic protocol (docs/classic-wire.md). */
export const classicFlags: Readonly<Record<string, Flag>> = {
  wire: {
    type: 'string',
    placeholder: 'WIRE',
    choices: WIRES,
    help: 'protocol: rxchat/1, or classic (an older chat with one key and no protection) (default rxchat/1)',
    wires: 'any',
  },
  silence: {
    type: 'string',
    placeholder: 'TIME',
    help: 'classic: idle time that ends a message (default 100ms, clients 20ms)',
    wires: 'classic',
  },
  gap: {
    type: 'string',
    placeholder: 'TIME',
    help: 'classic: pause between messages, so that each is read alone (default 10ms)',
    wires: 'classic',
  },
  acceptUnprotected: {
    type: 'boolean',
    help: 'classic: also use addresses beyond this machine, where only the key protects messages',
    wires: 'classic',
  },
};

/** `--key-file`: where the key of the classic wire is. */
export const keyFile: Flag = {
  type: 'string',
  placeholder: 'FILE',
  help: 'classic: file of the key, 44 characters (or RXCHAT_KEY)',
  env: 'RXCHAT_KEY',
  wires: 'classic',
};

/** `--host` of `send` and `listen`, which take the host of the main wire from the invite. */
export const classicHost: Flag = {
  ...host,
  help: 'classic: address of the server (default 127.0.0.1)',
  wires: 'classic',
};

/** `--port` of `send` and `listen`, which take the port of the main wire from the invite. */
export const classicPort: Flag = {
  ...port,
  help: 'classic: port of the server (default 55555)',
  wires: 'classic',
};
