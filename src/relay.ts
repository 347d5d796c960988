import { randomBytes } from 'node:crypto';
import type { Observable } from 'rxjs';
import { relay as relayOf, type RelayEvent, type RelayOptions } from '../streams/relay/index.js';
import type { Connection } from '../streams/wire/index.js';
import { randomText } from './crypto/random.js';
import { sha256 } from './crypto/sha256.js';
import { verifyProof } from './crypto/verifyProof.js';
import { endOfTurn$ } from './turn.js';

/** What a relay in Node can be told; nonces, ids, verification and turns are seen to. */
export type NodeRelayOptions = Omit<RelayOptions, 'nonce' | 'verify' | 'hash' | 'logId' | 'turn$'>;

/**
 * `streams/relay/relay.ts` with the randomness, the signatures and the event loop of Node: connections in, what
 * happened out.
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
    verify: verifyProof,
    hash: sha256,
    logId: () => randomText(12),
    turn$: endOfTurn$,
    ...options,
  });
