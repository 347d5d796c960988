import { from, map, type Observable, of, switchMap } from 'rxjs';
import type { Ledger } from '../../../../streams/relay/cluster/ledger.js';
import type { History } from '../../../../streams/relay/index.js';
import type { StoreUsage } from '../../../history/index.js';
import { formatDuration } from '../../../text/format.js';
import { printNote } from '../../process/exit.js';
import { cacheLogEntry, storeLogEntry } from './logEntries.js';
import { historyLogger, type RelayLog } from './relayLog.js';
import type { HistoryOptions } from './relayOptions.js';
import type { StoreOptions } from './storeOptions.js';

/** Where a relay stores its rooms: by itself or together with others. In memory only if neither. */
export interface Store {
  readonly history?: History | undefined;
  readonly ledger?: Ledger;
}

/**
 * Opens the store that several relays share. Loads what connects to it only now. `onConnected` is called when the
 * connection is lost, and when the store works again.
 */
export const openSharedStore = (
  options: StoreOptions,
  log: RelayLog,
  onConnected: ((isConnected: boolean) => void) | undefined,
): Observable<Store> =>
  from(import('./openLedger.js')).pipe(
    switchMap(({ openLedger }) =>
      openLedger(options, {
        onEvent: (event) => {
          if (event.type === 'waiting') {
            printNote(`${event.reason}; trying for ${formatDuration(options.timeoutMs)}`);
            return;
          }
          log.write(storeLogEntry(event.type));
          onConnected?.(event.type === 'back');
        },
        onCacheEvent: (event) => {
          log.write(cacheLogEntry(event));
        },
      }),
    ),
    map((ledger) => ({ ledger })),
  );

/** Checks and opens the history in the relay's own directory. Without options, the relay keeps its history in memory. */
export const openOwnStore = (
  options: HistoryOptions | undefined,
  log: RelayLog,
  onUsage: ((usage: StoreUsage) => void) | undefined,
): Observable<Store> =>
  options === undefined
    ? of({})
    : from(import('../../../history/index.js')).pipe(
        switchMap(({ checkHistory, lmdbHistory }) => {
          // Checks the whole store before use, because a damaged store must not pass for an empty one.
          checkHistory(options.dir);
          return lmdbHistory({
            ...options,
            onEvent: historyLogger(log),
            ...(onUsage && { onUsage }),
            onDamage: (room, from, to) => {
              printNote(`the history of room ${room} is damaged: entries ${from} to ${to} cannot be read`);
            },
          });
        }),
        map((history) => ({ history })),
      );
