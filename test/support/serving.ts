import { map, type OperatorFunction, pipe, timer } from 'rxjs';
import { relay, type RelayOptions } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { nonce, tell, verify } from './wire.js';

/** A relay for drawings: its turn ends within the frame, and every join and leave is announced at once. */
export const serving = (more: Partial<RelayOptions> = {}): OperatorFunction<Connection, string> =>
  pipe(relay({ nonce, verify, logId: () => 'log', turn$: timer(0), gather: 0, ...more }), map(tell));
