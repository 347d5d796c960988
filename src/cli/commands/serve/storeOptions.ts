import { fromBase64url } from '../../../../streams/wire/index.js';
import { readInputFile } from '../../../files/readFile.js';
import type { NatsCredentials } from '../../../nats/connect.js';
import type { NatsLedgerOptions } from '../../../nats/natsLedger.js';
import { formatAddress, isLoopback, normalizeHost } from '../../../util/address.js';
import { describeSystemError } from '../../../util/errors.js';
import { STORE_DURABILITIES } from '../../args/choices.js';
import { choiceFlag, durationFlag, flagName, type Flags, integerFlag, stringFlag } from '../../args/flags.js';
import { printNote, usageError } from '../../process/exit.js';
import { readFirstLine, warnIfReadable } from '../../shared/secretFiles.js';

/** The store that several relays share, and the key with which its records are sealed. */
export interface StoreOptions extends Omit<NatsLedgerOptions, 'keyId' | 'onEvent'> {
  readonly key: Uint8Array | undefined;
}

const DEFAULT_PORT = 4222;
const DEFAULT_SHARDS = 8;
const MAX_SHARDS = 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
const DAY_MS = 86_400_000;
const KEY_BYTES = 32;
const KEY_HINT = `create one and copy it to all relays: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='`;

/** Flags that need a shared store, and those of a store of this relay alone. */
const STORE_FLAGS = [
  'storeReplicas',
  'storeStreams',
  'storeCreds',
  'storeCa',
  'storeKeyFile',
  'storeTimeout',
];
const OWN_STORE_FLAGS = ['data', 'memory', 'keepEntries', 'keepBytes', 'keepTotal', 'trustClock'];

/** Parses the flags of the shared store; returns `undefined` without `--store`. Throws a `usageError`. */
export const storeOptionsFromFlags = (flags: Flags): StoreOptions | undefined => {
  const store = stringFlag(flags, 'store');
  if (store === undefined) {
    for (const flag of STORE_FLAGS)
      if (flags[flag] !== undefined) throw usageError(`${flagName(flag)} needs --store`);
    return undefined;
  }
  for (const flag of OWN_STORE_FLAGS)
    if (flags[flag] !== undefined) throw usageError(`${flagName(flag)} has no effect with --store`);
  if (flags['durability'] === 'memory')
    throw usageError('--durability memory has no effect with --store', 'use os or disk');
  const { isTls, servers } = parseStore(store);
  const ca = stringFlag(flags, 'storeCa');
  if (ca !== undefined && !isTls) throw usageError('--store-ca has no effect without tls:// in --store');
  return {
    servers,
    tls: isTls ? { ca: ca === undefined ? undefined : loadAuthorities(ca) } : undefined,
    credentials: credentialsFromFlags(flags),
    key: keyFromFlags(flags),
    replicas: integerFlag(flags, 'storeReplicas', 1, 5) ?? 1,
    shards: integerFlag(flags, 'storeStreams', 1, MAX_SHARDS) ?? DEFAULT_SHARDS,
    maxAgeMs: durationFlag(flags, 'keep', 1000, 36_500 * DAY_MS) ?? 30 * DAY_MS,
    durability: choiceFlag(flags, 'durability', STORE_DURABILITIES),
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
