import { randomBytes } from 'node:crypto';
import type { Observable } from 'rxjs';
import { relay as relayOf, type RelayEvent, type RelayOptions } from '../../streams/relay/index.js';
import type { Connection } from '../../streams/wire/index.js';
import { randomText } from '../crypto/random.js';
import { sha256, verifySignature } from '../crypto/nodeVerify.js';
import { endOfTick$ } from './endOfTick.js';

/** Options of a relay on Node, which supplies nonces, ids, verification and the end of a tick. */
export type NodeRelayOptions = Omit<RelayOptions, 'nonce' | 'verify' | 'hash' | 'logId' | 'endOfTick$'>;

/**
 * Runs a relay with the randomness, signatures and event loop of Node: connections in, events out. See
 * streams/relay/relay.ts.
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { listenTcp, relay } from 'rxchat';
 *
 * listenTcp({ host: '127.0.0.1', port: 0 })
 *   .pipe(switchMap(({ connection$ }) => connection$.pipe(relay())))
 *   .subscribe({ next: ({ type }) => console.log(type), error: console.error });
 */
export const relay = (
  options: NodeRelayOptions = {},
): ((connection$: Observable<Connection>) => Observable<RelayEvent>) =>
  relayOf({
    nonce: () => randomBytes(32),
    verify: verifySignature,
    hash: sha256,
    logId: () => randomText(12),
    endOfTick$: endOfTick$,
    ...options,
  });
