import { map, type OperatorFunction, pipe, timer } from 'rxjs';
import { relay, type RelayOptions } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { nonce, tell, verify } from './wire.js';

/** In drawings whoever joins or leaves is announced at once, and who is silent is not asked. */
const AT_ONCE: Partial<RelayOptions> = { gather: 0, grace: 0, heartbeat: Infinity };

/** A relay for drawings; its turn ends within the frame. */
export const serving = (more: Partial<RelayOptions> = {}): OperatorFunction<Connection, string> =>
  pipe(relay({ nonce, verify, logId: () => 'log', turn$: timer(0), ...AT_ONCE, ...more }), map(tell));
