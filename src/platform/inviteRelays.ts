import { defer, type Observable } from 'rxjs';
import { relayRotation, type RelayRotation } from '../../streams/client/index.js';
import type { Connection } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';

/**
 * Creates the rotation of the relays of an invite in random order, so that members spread, and those of a lost relay too.
 * Returns `undefined` if the invite has only one relay.
 *
 * @param random returns a number 0 <= x < 1.
 */
export const inviteRelays =
  (random: () => number) =>
  (
    { otherRelays = [], ...invite }: Invite,
    connect: (invite: Invite) => Observable<Connection>,
  ): RelayRotation | undefined => {
    if (otherRelays.length === 0) return undefined;
    const rest = [{ host: invite.host, port: invite.port }, ...otherRelays];
    const order: Observable<Connection>[] = [];
    while (rest.length > 0)
      for (const relay of rest.splice(Math.floor(random() * rest.length), 1))
        order.push(defer(() => connect({ ...invite, ...relay })));
    return relayRotation(order);
  };
