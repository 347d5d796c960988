import { defer, delayWhen, from, filter, map, NEVER, type Observable, switchMap, take } from 'rxjs';
import { createInvite, type Invite } from '../../../invite/invite.js';
import { joinRoom, nodePlatform } from '../../../node/nodePlatform.js';
import { createGroup as describeGroup } from '../../../platform/createGroup.js';
import type { Flags } from '../../args/flags.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { dataDir } from '../../process/environment.js';
import { loadIdentity } from '../../shared/contacts.js';
import { withRoom } from '../../shared/groupRoom.js';
import { retryUntilJoined, waitMsFromFlags } from '../../shared/retryUntilJoined.js';
import { nickFromFlags, roomOptionsFromFlags } from '../../shared/roomOptions.js';
import { withTimeLimit } from './memberCommand.js';

/**
 * Creates a group on the relay, and emits the invite of its room once the relay has stored it.
 *
 * This machine is then the first member, with its state on disk.
 */
export const createGroup = (relay: Omit<Invite, 'secret'>, flags: Flags): Observable<Invite> =>
  defer(() => {
    const identity = loadIdentity(dataDir());
    const removalRule = flags['anyoneRemoves'] === true ? 'anyone' : 'creator';
    const { invite, groupId } = describeGroup(nodePlatform, createInvite(relay), identity, removalRule);
    const connect = connectFromFlags(invite, flags);
    const nick = nickFromFlags(flags, { unique: true });
    return withRoom({ invite, identity, flags, role: { type: 'creator', groupId } }, (room) =>
      from(roomOptionsFromFlags(flags, nick)).pipe(
        switchMap((options) =>
          NEVER.pipe(joinRoom(invite, { ...options, ...room.options(), identity, connect })),
        ),
        retryUntilJoined(waitMsFromFlags(flags)),
        filter((event) => event.type === 'epoch' && event.change === 'created' && event.own),
        delayWhen(() => room.saved$),
        take(1),
      ),
    ).pipe(
      map(() => invite),
      withTimeLimit(flags),
    );
  });
