import { fromBase64url } from '../../../streams/wire/index.js';
import { readInputFile } from '../../files/readFile.js';
import type { NatsCredentials, NatsServers } from '../../nats/connect.js';
import { formatAddress, isLoopback, normalizeHost } from '../../util/address.js';
import { describeSystemError } from '../../util/errors.js';
import { durationFlag, type Flags, stringFlag } from '../args/flags.js';
import { printNote, usageError } from '../process/exit.js';
import { readFirstLine, warnIfReadable } from './secretFiles.js';

/** How to reach and read the store that several relays share. */
export interface StoreAccess extends NatsServers {
  /** With which the records are sealed. */
  readonly key: Uint8Array | undefined;
  /** Time in ms in which the store has to answer. */
  readonly timeoutMs: number;
}

const DEFAULT_PORT = 4222;
const DEFAULT_TIMEOUT_MS = 30_000;
const KEY_BYTES = 32;
const KEY_HINT = `create one and copy it to all relays: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='`;

/** Parses `--store` and the flags about its servers. Throws a `usageError`. */
export const storeAccessFromFlags = (flags: Flags, store: string): StoreAccess => {
  const { isTls, servers } = parseStore(store);
  const ca = stringFlag(flags, 'storeCa');
  if (ca !== undefined && !isTls) throw usageError('--store-ca has no effect without tls:// in --store');
  return {
    servers,
    tls: isTls ? { ca: ca === undefined ? undefined : loadAuthorities(ca) } : undefined,
    credentials: credentialsFromFlags(flags),
    key: keyFromFlags(flags),
    timeoutMs: durationFlag(flags, 'storeTimeout', 1000, 3_600_000) ?? DEFAULT_TIMEOUT_MS,
  };
};

/** Parses `nats://HOST:PORT,HOST:PORT`. The error never repeats the text, which may contain a password. */
const parseStore = (store: string): { readonly isTls: boolean; readonly servers: readonly string[] } => {
  const [, scheme = '', list = ''] = /^(nats|tls):\/\/(.*)$/i.exec(store) ?? [];
  if (store.includes('@'))
    throw usageError(
      '--store must not contain a user or a password',
      'put them into a file: --store-creds FILE',
    );
  const servers = list.replace(/\/$/, '').split(',').map(parseServer);
  const isTls = scheme.toLowerCase() === 'tls';
  const isLocal = servers.every(({ host }) => isLoopback(host));
  if (!isTls && !isLocal)
    printNote('without TLS, others on the network can read and change what the store receives; use tls://');
  return { isTls, servers: servers.map(formatAddress) };
};

const parseServer = (server: string): { readonly host: string; readonly port: number } => {
  const [, name = '', digits] = /^(\[[^\]]+\]|[^:/?#\s]+)(?::(\d{1,5}))?$/.exec(server) ?? [];
  const host = normalizeHost(name.replace(/^\[|\]$/g, ''));
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (name === '' || host === undefined || port < 1 || port > 65_535)
    throw usageError('--store needs servers such as nats://127.0.0.1:4222 or tls://a:4222,b:4222');
  return { host, port };
};

const readFile = (file: string, flag: string): Buffer => {
  try {
    return readInputFile(file);
  } catch (error) {
    throw usageError(`cannot read ${flag} ${file}: ${describeSystemError(error)}`);
  }
};

const loadAuthorities = (file: string): string => {
  const pem = readFile(file, '--store-ca').toString('utf8');
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw usageError(`--store-ca ${file} has no certificate in PEM`);
  return pem;
};

const credentialsFromFlags = (flags: Flags): NatsCredentials | undefined => {
  const path = stringFlag(flags, 'storeCreds');
  if (path === undefined) return undefined;
  const file = readFile(path, '--store-creds');
  warnIfReadable(path, 'the credentials of the store');
  if (file.includes('-----BEGIN NATS USER JWT-----')) return { file };
  const [line = ''] = file.toString('utf8').trim().split('\n');
  const [, user, password] = /^([^:]+):(.+)$/.exec(line.trim()) ?? [];
  if (user === undefined || password === undefined)
    throw usageError(`--store-creds ${path} is neither a credentials file of NATS nor a line USER:PASSWORD`);
  return { user, password };
};

const keyFromFlags = (flags: Flags): Uint8Array | undefined => {
  const path = stringFlag(flags, 'storeKeyFile');
  if (path === undefined) return undefined;
  const key = fromBase64url(readFirstLine(path, '--store-key-file', KEY_HINT));
  if (key?.length !== KEY_BYTES)
    throw usageError(`--store-key-file ${path} needs a key of 32 bytes in base64url`, KEY_HINT);
  warnIfReadable(path, 'the key of the store');
  return key;
};
