import { map, type Observable, of, switchMap } from 'rxjs';
import type { Ledger } from '../../../../streams/relay/cluster/ledger.js';
import { openRecordCache, type RecordCacheEvent } from '../../../history/cache/openRecordCache.js';
import { natsLedger, type StoreEvent } from '../../../nats/natsLedger.js';
import { sealedLedger, storeKeyId } from '../../../nats/sealedLedger.js';
import type { StoreOptions } from './storeOptions.js';

/** Receives what happens to a shared store, and to the cache of it. */
export interface StoreEvents {
  readonly onEvent: (event: StoreEvent) => void;
  readonly onCacheEvent: (event: RecordCacheEvent) => void;
}

/** Opens the store that several relays share, and holds it while subscribed. See `natsLedger` and `openRecordCache`. */
export const openLedger = (
  { key, cache, ...options }: StoreOptions,
  { onEvent, onCacheEvent }: StoreEvents,
): Observable<Ledger> => {
  const { maxAgeMs } = options;
  const cache$ =
    cache === undefined ? of(undefined) : openRecordCache({ ...cache, maxAgeMs, onEvent: onCacheEvent });
  return natsLedger({ ...options, onEvent, ...(key && { keyId: storeKeyId(key) }) }).pipe(
    switchMap((ledger) => cache$.pipe(map((opened) => ({ ...ledger, cache: opened })))),
    map((ledger) => (key === undefined ? ledger : sealedLedger(ledger, key))),
  );
};
