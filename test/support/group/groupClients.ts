import { asyncScheduler, EMPTY, type Observable, Subject } from 'rxjs';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import { fakeHash, fakeSignature } from '../../../src/testing/fakePrimitives.js';
import { fakeRelay, type FakeRelayOptions } from '../../../src/testing/fakeRelay.js';
import { asFernetKey } from '../../../streams/client/envelope/cipher.js';
import type { GroupRequest } from '../../../streams/client/group/groupClientEvent.js';
import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import type { GroupState } from '../../../streams/client/group/groupState.js';
import type { SnapshotOrder } from '../../../streams/client/group/snapshotOrder.js';
import { formatGroupId, type RemovalRule } from '../../../streams/client/group/groupId.js';
import type { GroupRole } from '../../../streams/client/group/handshakeNeed.js';
import { createHpke } from '../../../streams/client/group/hpke.js';
import { parseSnapshot } from '../../../streams/client/group/savedState.js';
import { findHandshake } from '../../../streams/client/group/slotRecord.js';
import { createStarEngine } from '../../../streams/client/group/starEngine.js';
import type { StarGroupInfo } from '../../../streams/client/group/starGroupInfo.js';
import type { StarState } from '../../../streams/client/group/starState.js';
import { groupRoomClient } from '../../../streams/client/groupRoomClient.js';
import type { ClientEvent, OutgoingMessage, QueuedMessage } from '../../../streams/client/index.js';
import { type RoomName, toBase64url } from '../../../streams/wire/index.js';
import { seededRandom } from '../cryptoSuites.js';
import { deviceOf, identityOf } from './devices.js';

type Context = GroupContext<StarState, StarGroupInfo>;

export interface RunOptions {
  readonly role?: GroupRole | undefined;
  /** What a store of a snapshot does. By default it is stored at once. */
  readonly save$?: Observable<unknown>;
  /** SECRET. The invite that this run starts with. By default that of the client. */
  readonly inviteSecret?: Uint8Array;
  /** The messages of an earlier run that have no receipt. */
  readonly pendingMessages?: readonly QueuedMessage[];
}

/** A device of a person, with what it has stored. It can run again from that. */
export interface GroupClient {
  readonly nick: string;
  readonly key: string;
  readonly requests: Subject<GroupRequest>;
  readonly messages: Subject<OutgoingMessage>;
  /** The bytes of the last snapshot. */
  stored: Uint8Array | undefined;
  order: SnapshotOrder | undefined;
  /** What it stored last for its slot. */
  slotRecord: Uint8Array | undefined;
  /** The state of that snapshot. */
  readonly storedState: () => GroupState<StarState, StarGroupInfo> | undefined;
  /** Runs the client until it is unsubscribed: messages of `messages`. */
  readonly run: (options?: RunOptions) => Observable<ClientEvent>;
}

/** A group room over a relay in memory, on virtual time, with the real cryptography of Node. */
export interface GroupRoomFixture {
  readonly relay: ReturnType<typeof fakeRelay>;
  readonly creator: GroupRole;
  readonly inviteSecret: Uint8Array;
  readonly client: (
    nick: string,
    mark: number,
    options?: {
      readonly inviteSecret?: Uint8Array;
      readonly label?: string;
      readonly slot?: number;
      readonly forgetMs?: number;
      /** What the processes of the device stored for their slots, if there are several. */
      readonly slotRecords?: Map<number, Uint8Array>;
    },
  ) => GroupClient;
  readonly random: (count: number) => Uint8Array;
}

/** Creates a group room whose creator is the person of mark 1. */
export const groupRoomFixture = ({
  removalRule = 'creator',
  seed = 'room',
  ...relayOptions
}: FakeRelayOptions & {
  readonly removalRule?: RemovalRule;
  readonly seed?: string;
} = {}): GroupRoomFixture => {
  const random = seededRandom(seed);
  const relay = fakeRelay(relayOptions);
  const groupId = formatGroupId({ removalRule, creator: identityOf(1).key, random: random(16) });
  const inviteSecret = random(32);
  const suite = nodeSuite({ randomBytes: random });
  const hpke = createHpke(suite);
  const cipher = nodeCipher();

  const client: GroupRoomFixture['client'] = (
    nick,
    mark,
    {
      inviteSecret: secret = inviteSecret,
      label,
      slot = 0,
      forgetMs = Infinity,
      slotRecords = new Map<number, Uint8Array>(),
    } = {},
  ) => {
    const identity = identityOf(mark);
    const context: Context = {
      suite,
      hpke,
      cipher,
      engine: createStarEngine(suite),
      device: deviceOf(mark, label),
      groupIdHash: suite.sha256(groupId),
      forgetMs,
      slot,
      findHandshake: (commit) => findHandshake(context, slotRecords.values(), commit),
    };
    const self: GroupClient = {
      nick,
      key: identity.key,
      requests: new Subject(),
      messages: new Subject(),
      stored: undefined,
      order: undefined,
      slotRecord: undefined,
      storedState: () => (self.stored === undefined ? undefined : parseSnapshot(context, self.stored)?.state),
      run: ({
        role = { type: 'member' } as const,
        save$ = EMPTY,
        inviteSecret: invite = secret,
        pendingMessages = [],
      }: RunOptions = {}) => {
        const snapshot = self.stored && parseSnapshot(context, self.stored, self.slotRecord);
        const operator = groupRoomClient({
          connect$: relay.connect(),
          pendingMessages,
          retry: { random: () => random(1)[0]! / 256 },
          nick,
          session: toBase64url(random(16)),
          senderSession: toBase64url(random(16)),
          identity,
          hash: fakeHash,
          now: () => asyncScheduler.now(),
          group: {
            context,
            role,
            inviteSecret: invite,
            deriveRoom: (each) => ({
              room: toBase64url(each) as RoomName,
              sign: (message) => toBase64url(fakeSignature(toBase64url(each), message)),
              outerKey: asFernetKey(each.slice()),
            }),
            snapshot,
            order: self.order,
            save: (bytes, order, slotRecord) => {
              // As a store does: a snapshot that is older than the stored one is ignored.
              const stored = self.order ?? order;
              if (
                order.epoch < stored.epoch ||
                (order.epoch === stored.epoch && order.position < stored.position)
              )
                return save$;
              self.order = order;
              self.stored = bytes;
              self.slotRecord = slotRecord;
              if (slotRecord !== undefined) slotRecords.set(slot, slotRecord);
              return save$;
            },
            request$: self.requests,
            random: () => random(1)[0]! / 256,
            randomBytes: random,
          },
        });
        return self.messages.pipe(operator);
      },
    };
    return self;
  };
  return { relay, creator: { type: 'creator', groupId }, inviteSecret, client, random };
};
