import { map, type Observable } from 'rxjs';
import type { Ledger } from '../../../../streams/relay/cluster/ledger.js';
import { natsLedger, type StoreEvent } from '../../../nats/natsLedger.js';
import { sealedLedger, storeKeyId } from '../../../nats/sealedLedger.js';
import type { StoreOptions } from './storeOptions.js';

/** Opens the store that several relays share, and holds it while subscribed. See `natsLedger`. */
export const openLedger = (
  { key, ...options }: StoreOptions,
  onEvent: (event: StoreEvent) => void,
): Observable<Ledger> =>
  key === undefined
    ? natsLedger({ ...options, onEvent })
    : natsLedger({ ...options, onEvent, keyId: storeKeyId(key) }).pipe(
        map((ledger) => sealedLedger(ledger, key)),
      );
