import { DURABILITIES, LOG_FORMATS, LOG_LEVELS } from './args/choices.js';
import type { Flag } from './args/flags.js';
import { classicFlags, heartbeat, host, plain, port, tls } from './clientFlags.js';

/** `--data`: the directory of a relay. */
export const data: Flag = {
  type: 'string',
  placeholder: 'DIR',
  help: 'directory of the history, the certificate and the socket of admin (default: in the state directory of the platform)',
};

/** Limits of a relay on the open internet. Their defaults are in `commands/serve/relayOptions.ts`. */
export const limitFlags: Readonly<Record<string, Flag>> = {
  connections: {
    type: 'number',
    placeholder: 'N',
    help: 'connections at a time; 0 = no limit (default 10000)',
    wires: 'any',
  },
  connectionsPerAddress: {
    type: 'number',
    placeholder: 'N',
    help: 'connections from one IPv4 address or IPv6 /64; use 0 behind a proxy (default 256)',
    wires: 'any',
  },
  joinsPerSecond: {
    type: 'number',
    placeholder: 'N',
    help: 'joins per second in all; 0 = no limit (default 200)',
  },
  joinsPerAddress: {
    type: 'number',
    placeholder: 'N',
    help: 'joins per second from one address; use 0 behind a proxy (default 10; on this machine no limit)',
  },
  newRoomsPerAddress: {
    type: 'number',
    placeholder: 'N',
    help: 'new rooms per hour from one address; use 0 behind a proxy (default 100; on this machine no limit)',
  },
  bytesPerAddress: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'bytes per hour from one address before it is throttled; use 0 behind a proxy (default 256MiB; on this machine no limit)',
  },
  handshakeTimeout: {
    type: 'string',
    placeholder: 'TIME',
    help: 'time for a connection to join (default 10s)',
    wires: 'any',
  },
  rooms: {
    type: 'number',
    placeholder: 'N',
    help: 'rooms in use at a time; 0 = no limit (default 10000)',
  },
  roomMembers: {
    type: 'number',
    placeholder: 'N',
    help: 'members per room; 0 = no limit (default 5000)',
  },
  connectionsPerNick: {
    type: 'number',
    placeholder: 'N',
    help: 'connections of one person that share a nick (default 16)',
  },
  lineLimit: { type: 'string', placeholder: 'BYTES', help: 'maximum length of a line (default 64KiB)' },
  bytesPerSecond: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'bytes per second from one connection before it is throttled; 0 = no limit (default 4MiB)',
    wires: 'any',
  },
  linesPerSecond: {
    type: 'number',
    placeholder: 'N',
    help: 'lines per second from one connection before it is throttled; 0 = no limit (default 1000)',
    wires: 'any',
  },
  memoryLimit: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'in-memory logs of all rooms together (default 256MiB)',
  },
  allowRoom: {
    type: 'string',
    multiple: true,
    placeholder: 'NAME',
    help: 'serve only this room, by its public name; can be repeated',
  },
  accessTokenFile: {
    type: 'string',
    placeholder: 'FILE',
    help: 'admit only clients with an access token from FILE, one per line',
  },
};

/** `--store`: the store that several relays share. */
export const store: Flag = {
  type: 'string',
  placeholder: 'URL',
  help: 'share rooms with other relays: nats:// or tls:// and HOST:PORT of the NATS servers, with commas',
};

/** How to reach and read the store that several relays share. */
export const storeAccessFlags: Readonly<Record<string, Flag>> = {
  storeCreds: {
    type: 'string',
    placeholder: 'FILE',
    help: 'credentials for --store: a file of NATS, or a line USER:PASSWORD',
  },
  storeCa: {
    type: 'string',
    placeholder: 'FILE',
    help: 'certificates in PEM of the authorities for tls:// (default: those of the system)',
  },
  storeKeyFile: {
    type: 'string',
    placeholder: 'FILE',
    help: 'encrypt all records with this key, the same at all relays: 32 bytes in base64url',
  },
  storeTimeout: {
    type: 'string',
    placeholder: 'TIME',
    help: 'time without the store before members are disconnected, or the start fails (default 30s)',
  },
};

/** The store that several relays share. */
const storeFlags: Readonly<Record<string, Flag>> = {
  store,
  storeReplicas: {
    type: 'number',
    placeholder: 'N',
    help: 'servers that have each record, with --store (default 1)',
  },
  storeStreams: {
    type: 'number',
    placeholder: 'N',
    help: 'streams that share the rooms, fixed by the first relay (default 8)',
  },
  storeCache: {
    type: 'string',
    placeholder: 'BYTES',
    help: "copies of the store's records in the data directory, to read them faster; 0 = none (default 256MiB)",
  },
  ...storeAccessFlags,
};

/** Flags of `serve`, in the order of its help. */
export const serveFlags: Readonly<Record<string, Flag>> = {
  host: { ...host, help: 'address to listen on (default 127.0.0.1)' },
  port: { ...port, help: 'port to listen on; 0 = any free port (default 55555)' },
  data,
  memory: { type: 'boolean', help: 'keep the history in memory only; it is lost when the relay ends' },
  durability: {
    type: 'string',
    placeholder: 'LEVEL',
    choices: DURABILITIES,
    help: 'when a message counts as stored: disk, os (survives a relay crash, not a power loss) or memory (default disk)',
  },
  keep: { type: 'string', placeholder: 'TIME', help: 'remove entries older than TIME (default 30d)' },
  keepEntries: { type: 'number', placeholder: 'N', help: 'keep at most N entries per room' },
  keepBytes: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'keep at most BYTES per room (default 64MiB)',
  },
  keepTotal: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'keep at most BYTES in all rooms, removing from the largest rooms first (default 1GiB)',
  },
  trustClock: {
    type: 'boolean',
    help: 'apply --keep at once, even if the clock is far ahead of the last run',
  },
  ...storeFlags,
  window: {
    type: 'string',
    placeholder: 'BYTES',
    help: 'in-memory log per active room (default 16MiB)',
  },
  ...limitFlags,
  heartbeat,
  logLevel: {
    type: 'string',
    placeholder: 'LEVEL',
    choices: LOG_LEVELS,
    help: 'what to log on stderr: silent, error, warn, info, debug or trace (default warn)',
    wires: 'any',
  },
  logFormat: {
    type: 'string',
    placeholder: 'FORMAT',
    choices: LOG_FORMATS,
    help: 'how to write the log: json, or pretty for people (default json)',
    wires: 'any',
  },
  metrics: {
    type: 'string',
    placeholder: 'ADDRESS',
    help: 'serve metrics for Prometheus, /healthz and /readyz at PORT or HOST:PORT (default host 127.0.0.1)',
  },
  tls,
  plain,
  cert: {
    type: 'string',
    placeholder: 'FILE',
    help: 'PEM certificate chain, reloaded on SIGHUP (default: self-signed, in --data)',
  },
  key: { type: 'string', placeholder: 'FILE', help: 'private key of --cert, in PEM' },
  web: { type: 'boolean', help: 'also serve the web page and accept WebSockets' },
  webPort: {
    type: 'number',
    placeholder: 'PORT',
    help: 'port of the web page; 0 = any free port (default 55580)',
  },
  webHost: {
    type: 'string',
    placeholder: 'HOST',
    help: 'address of the web page (default: that of --host)',
  },
  webOrigin: {
    type: 'string',
    multiple: true,
    placeholder: 'ORIGIN',
    help: 'also accept pages from this origin, such as https://chat.example.org; can be repeated',
  },
  webOriginOnly: {
    type: 'boolean',
    help: 'accept only pages from --web-origin, not those that the relay serves',
  },
  proxyProtocol: {
    type: 'boolean',
    help: 'read the address of each client from the PROXY protocol (version 1 or 2) of a trusted proxy',
  },
  trustedProxies: {
    type: 'string',
    placeholder: 'LIST',
    help: 'addresses and networks of the proxies, with commas (default 127.0.0.0/8,::1)',
  },
  ...classicFlags,
};
