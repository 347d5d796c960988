import {
  defer,
  delayWhen,
  from,
  filter,
  map,
  NEVER,
  type Observable,
  switchMap,
  take,
  takeUntil,
} from 'rxjs';
import { formatGroupId } from '../../../../streams/client/group/groupId.js';
import { toBase64url } from '../../../../streams/wire/index.js';
import { nodeSuite } from '../../../crypto/nodeSuite.js';
import { randomBytes } from '../../../crypto/random.js';
import { createInvite, type Invite } from '../../../invite/invite.js';
import { joinRoom } from '../../../node/nodePlatform.js';
import type { Flags } from '../../args/flags.js';
import { interrupted$ } from '../../process/stdio.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { dataDir } from '../../process/environment.js';
import { loadIdentity } from '../../shared/contacts.js';
import { withRoom } from '../../shared/groupRoom.js';
import { retryUntilJoined, waitMsFromFlags } from '../../shared/retryUntilJoined.js';
import { nickFromFlags, roomOptionsFromFlags } from '../../shared/roomOptions.js';
import { failAfter } from './memberCommand.js';

/** How long, in ms, the relay may take. */
const TIMEOUT_MS = 30_000;

const GROUP_ID_RANDOM_BYTES = 16;

const { sha256 } = nodeSuite();

/**
 * Creates a group on the relay, and emits the invite of its room once the relay has stored it.
 *
 * This machine is then the first member, with its state on disk.
 */
export const createGroup = (relay: Omit<Invite, 'secret'>, flags: Flags): Observable<Invite> =>
  defer(() => {
    const identity = loadIdentity(dataDir());
    const groupId = formatGroupId({
      removalRule: flags['anyoneRemoves'] === true ? 'anyone' : 'creator',
      creator: identity.key,
      random: randomBytes(GROUP_ID_RANDOM_BYTES),
    });
    const invite = createInvite({ ...relay, group: toBase64url(sha256(groupId)) });
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
      takeUntil(interrupted$),
      takeUntil(failAfter(TIMEOUT_MS + waitMsFromFlags(flags))),
    );
  });
