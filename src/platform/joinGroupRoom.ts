import { filter, map, merge, NEVER, type OperatorFunction, pipe, timer } from 'rxjs';
import {
  createHpke,
  createStarEngine,
  type CryptoSuite,
  type StarGroupInfo,
  type StarState,
} from '../../streams/client/group/index.js';
import {
  asFernetKey,
  type ClientEvent,
  deriveOwnerKey,
  findHandshake,
  type GroupContext,
  type GroupRequest,
  type GroupRoom,
  groupRoomClient,
  type OutgoingMessage,
  parseSnapshot,
} from '../../streams/client/index.js';
import { encodeText, fromBase64url } from '../../streams/wire/index.js';
import { type Invite, InviteError } from '../invite/invite.js';
import {
  DEFAULT_FORGET_MS,
  type JoinRoomOptions,
  requireGroupOptions,
  toClientOptions,
} from './clientOptions.js';
import type { Platform } from './platform.js';

/** How often a member renews its keys, in ms: a day. It ends the epoch, so that the keys of the epoch can be forgotten. */
const RENEWAL_MS = 24 * 60 * 60 * 1000;
/** The first renewal of a run, in ms: after 15 to 30 minutes, so that short runs cause none and members spread out. */
const FIRST_RENEWAL_MS = 30 * 60 * 1000;
/** Identifies the renewals that no user requested, by its reference. */
const DAILY_RENEWAL: GroupRequest = { type: 'renew' };

const isDailyRenewal = (event: ClientEvent): boolean =>
  (event.type === 'request-done' || event.type === 'request-refused') && event.request === DAILY_RENEWAL;

const OUTER_KEY_LABEL = 'rxchat/2 outer fernet key';
const KEY_BYTES = 32;

/** Derives a key from the secret of an invite by HKDF-SHA256 (RFC 5869), without salt, as the keys of a key room. */
const deriveOuterKey = ({ hkdfExtract, hkdfExpand }: CryptoSuite, secret: Uint8Array) =>
  asFernetKey(hkdfExpand(hkdfExtract(new Uint8Array(0), secret), encodeText(OUTER_KEY_LABEL), KEY_BYTES));

/**
 * Joins a group room, as a member or as an external sender. A member renews its keys once a day.
 *
 * Throws an `InviteError` for another invite, and a `TypeError` without `identity` or `group`: the group has to recognise
 * the device when it comes back.
 */
export const joinGroupRoom = (
  platform: Platform,
  invite: Invite,
  options: JoinRoomOptions,
): OperatorFunction<OutgoingMessage, ClientEvent> => {
  const { identity, group } = requireGroupOptions(options);
  const { sharesNick = true, cipher = platform.cipher() } = options;
  const groupIdHash = fromBase64url(invite.group ?? '');
  if (groupIdHash === undefined || invite.group === undefined)
    throw new InviteError('the invite is not for a group room');
  const { device, role = { type: 'member' }, snapshot, order, save, slot = 0, request$ = NEVER } = group;
  const {
    slotRecord,
    loadSlotRecords = () => [],
    loadSnapshot = () => undefined,
    forgetMs = DEFAULT_FORGET_MS,
  } = group;
  const suite = platform.suite();
  const context: GroupContext<StarState, StarGroupInfo> = {
    suite,
    hpke: createHpke(suite),
    engine: createStarEngine(suite),
    cipher,
    device,
    groupIdHash,
    slot,
    forgetMs,
    findHandshake: (commit: Uint8Array) => findHandshake(context, { loadSlotRecords, loadSnapshot }, commit),
  };
  const deriveRoom = (secret: Uint8Array): GroupRoom => {
    const { room, sign } = platform.deriveRoomKeys(secret);
    const owner = sharesNick ? deriveOwnerKey(identity, { ...platform, room }) : undefined;
    return { room, sign, owner, outerKey: deriveOuterKey(suite, secret) };
  };
  const renewal$ =
    role.type === 'external'
      ? NEVER
      : timer((FIRST_RENEWAL_MS * (1 + platform.random())) / 2, RENEWAL_MS).pipe(map(() => DAILY_RENEWAL));
  const client = groupRoomClient({
    ...toClientOptions(platform, invite, options),
    group: {
      context,
      role,
      inviteSecret: invite.secret,
      deriveRoom,
      snapshot: snapshot && parseSnapshot(context, snapshot, slotRecord),
      order,
      save,
      request$: merge(request$, renewal$),
      random: platform.random,
      randomBytes: platform.randomBytes,
    },
  });
  return pipe(
    client,
    filter((event) => !isDailyRenewal(event)),
  );
};
