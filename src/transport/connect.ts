import type { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { isLoopback } from '../address.js';
import type { Invite } from '../invite/invite.js';
import { byAuthority, byPin } from '../tls/trust.js';
import { connectTcp } from './tcp.js';
import { connectTls } from './tls.js';
import { connectWeb } from './webSocketTo.js';

/**
 * Connects to the relay of an invite: with TLS where the invite has a pin, and to the relay with that pin alone; within
 * this machine in the clear; anywhere else with TLS, to a relay that the authorities of this machine vouch for. The link of
 * a page (`https`, `http`) is followed by WebSocket, as it says. Errors with `LinkError`, or with `TrustError` where it is another relay.
 */
export const connectTo = (invite: Invite): Observable<Connection> => {
  const accept = invite.pin === undefined ? byAuthority(invite) : byPin(invite.pin, invite);
  if (invite.web !== undefined) return connectWeb(invite, accept);
  if (invite.pin !== undefined) return connectTls(invite, accept);
  return isLoopback(invite.host) ? connectTcp(invite) : connectTls(invite, accept);
};
