import type { NatsLedgerOptions } from '../../../nats/natsLedger.js';
import { STORE_DURABILITIES } from '../../args/choices.js';
import { choiceFlag, durationFlag, flagName, type Flags, integerFlag, stringFlag } from '../../args/flags.js';
import { usageError } from '../../process/exit.js';
import { type StoreAccess, storeAccessFromFlags } from '../../shared/storeAccess.js';

/** The store that several relays share, and the key with which its records are sealed. */
export type StoreOptions = StoreAccess & Omit<NatsLedgerOptions, 'keyId' | 'onEvent'>;

const DEFAULT_SHARDS = 8;
const MAX_SHARDS = 1024;
const DAY_MS = 86_400_000;

/** Flags that need a shared store, and those of a store of this relay alone. */
const STORE_FLAGS = [
  'storeReplicas',
  'storeStreams',
  'storeCreds',
  'storeCa',
  'storeKeyFile',
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
  };
};
