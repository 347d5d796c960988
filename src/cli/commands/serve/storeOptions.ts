import { join } from 'node:path';
import type { NatsLedgerOptions } from '../../../nats/natsLedger.js';
import { STORE_DURABILITIES } from '../../args/choices.js';
import {
  bytesFlag,
  choiceFlag,
  durationFlag,
  flagName,
  type Flags,
  integerFlag,
  stringFlag,
} from '../../args/flags.js';
import { usageError } from '../../process/exit.js';
import { type StoreAccess, storeAccessFromFlags } from '../../shared/storeAccess.js';
import { historyDirFromFlags } from './relayOptions.js';

/** Where a relay caches records of the store, and how many bytes of them. */
export interface StoreCacheOptions {
  readonly dir: string;
  readonly maxBytes: number;
}

/** The store that several relays share, the key with which its records are sealed, and the cache of this relay. */
export type StoreOptions = StoreAccess &
  Omit<NatsLedgerOptions, 'keyId' | 'onEvent'> & { readonly cache: StoreCacheOptions | undefined };

const DEFAULT_SHARDS = 8;
const MAX_SHARDS = 1024;
const DAY_MS = 86_400_000;
const DEFAULT_CACHE_BYTES = 268_435_456;
const MAX_CACHE_BYTES = 2 ** 40;

/** Flags that need a shared store, and those of a store of this relay alone. */
const STORE_FLAGS = [
  'storeReplicas',
  'storeStreams',
  'storeCreds',
  'storeCa',
  'storeKeyFile',
  'storeCache',
  'storeTimeout',
];
const OWN_STORE_FLAGS = ['memory', 'keepEntries', 'keepBytes', 'keepTotal', 'trustClock'];

/** Parses the flags of the shared store; returns `undefined` without `--store`. Throws a `usageError`. */
export const storeOptionsFromFlags = (flags: Flags): StoreOptions | undefined => {
  const store = stringFlag(flags, 'store');
  if (store === undefined) {
    for (const flag of STORE_FLAGS)
      if (flags[flag] !== undefined) throw usageError(`${flagName(flag)} needs --store`);
    return undefined;
  }
  for (const flag of OWN_STORE_FLAGS)
    if (flags[flag] !== undefined)
      throw usageError(
        `${flagName(flag)} has no effect with --store`,
        flag.startsWith('keep') ? 'a shared store removes entries by age only: use --keep' : undefined,
      );
  if (flags['durability'] === 'memory')
    throw usageError('--durability memory has no effect with --store', 'use os or disk');
  return {
    ...storeAccessFromFlags(flags, store),
    replicas: integerFlag(flags, 'storeReplicas', 1, 5) ?? 1,
    shards: integerFlag(flags, 'storeStreams', 1, MAX_SHARDS) ?? DEFAULT_SHARDS,
    maxAgeMs: durationFlag(flags, 'keep', 1000, 36_500 * DAY_MS) ?? 30 * DAY_MS,
    durability: choiceFlag(flags, 'durability', STORE_DURABILITIES),
    cache: cacheFromFlags(flags),
  };
};

const cacheFromFlags = (flags: Flags): StoreCacheOptions | undefined => {
  const maxBytes = bytesFlag(flags, 'storeCache', 0, MAX_CACHE_BYTES) ?? DEFAULT_CACHE_BYTES;
  return maxBytes === 0 ? undefined : { dir: join(historyDirFromFlags(flags), 'store-cache'), maxBytes };
};
