import { asyncScheduler, EMPTY, map, type Observable, Subject } from 'rxjs';
import { fakeSignature } from '../../../src/testing/fakePrimitives.js';
import type { FakeRelay, FakeRelayOptions } from '../../../src/testing/fakeRelay.js';
import { asFernetKey } from '../../../streams/client/envelope/cipher.js';
import type { GroupRequest } from '../../../streams/client/group/groupClientEvent.js';
import { findHandshake } from '../../../streams/client/group/findHandshake.js';
import { createDevice } from '../../../streams/client/group/credential.js';
import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import type { GroupState } from '../../../streams/client/group/groupState.js';
import type { SnapshotOrder } from '../../../streams/client/group/snapshotOrder.js';
import { formatGroupId, type RemovalRule } from '../../../streams/client/group/groupId.js';
import type { GroupRole } from '../../../streams/client/group/handshakeNeed.js';
import { createHpke } from '../../../streams/client/group/hpke.js';
import { parseSnapshot } from '../../../streams/client/group/savedState.js';
import { createStarEngine } from '../../../streams/client/group/starEngine.js';
import type { StarGroupInfo } from '../../../streams/client/group/starGroupInfo.js';
import type { StarState } from '../../../streams/client/group/starState.js';
import { groupRoomClient } from '../../../streams/client/groupRoomClient.js';
import type { ClientEvent, OutgoingMessage, QueuedMessage } from '../../../streams/client/index.js';
import { type Resume, type RoomName, toBase64url } from '../../../streams/wire/index.js';
import { seededRandom } from '../cryptoSuites.js';
import { restorableRelay } from '../restorableRelay.js';
import { forgetfulRelay } from './forgetfulRelay.js';
import { watchKeyUse } from './keyUse.js';
import { type GroupCryptography, nodeCryptography } from './fastCrypto.js';

type Context = GroupContext<StarState, StarGroupInfo>;

export interface RunOptions {
  readonly role?: GroupRole | undefined;
  /** What a store of a snapshot does. By default it is stored at once. */
  readonly save$?: Observable<unknown>;
  /** SECRET. The invite that this run starts with. By default that of the client. */
  readonly inviteSecret?: Uint8Array;
  /** Where this run loads and saves its state. By default in the fields of the client. */
  readonly storage?: SharedStorage;
  /** What this run sends. By default `messages`. */
  readonly message$?: Observable<OutgoingMessage>;
  /** How many entries of before this run reads again. */
  readonly last?: number;
  /** Where to begin to read. By default the client reads on from what it stored. */
  readonly after?: Resume | undefined;
  /** Returns the hash of an entry that an earlier run has read. */
  readonly earlierHashAt?: (position: number) => string | undefined;
  /** The messages of an earlier run that have no receipt. */
  readonly pendingMessages?: readonly QueuedMessage[];
}

/** What the processes of a device have stored together. */
export interface SharedStorage {
  readonly snapshot: Uint8Array | undefined;
  readonly order: SnapshotOrder | undefined;
  readonly slotRecords: ReadonlyMap<number, Uint8Array>;
  readonly save: (
    snapshot: Uint8Array,
    order: SnapshotOrder,
    slotRecord: Uint8Array | undefined,
  ) => Observable<unknown>;
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

/** A group room over a relay in memory, on virtual time. */
export interface GroupRoomFixture {
  readonly relay: Pick<FakeRelay, 'connect' | 'event$' | 'inject' | 'stop'>;
  /** Replaces the relay by one that has lost its logs. */
  readonly loseLogs: () => void;
  /** Keeps what the relay has stored, and restores that. Only with a store. */
  readonly backUp: () => void;
  readonly restore: () => void;
  /** The message keys of more than one token that was written. */
  readonly reusedKeys: readonly string[];
  readonly creator: GroupRole;
  readonly inviteSecret: Uint8Array;
  readonly client: (
    nick: string,
    mark: number,
    options?: {
      readonly inviteSecret?: Uint8Array;
      readonly label?: string;
      readonly slot?: number;
      /** By default it forgets nothing. */
      readonly forgetMs?: number;
    },
  ) => GroupClient;
  readonly random: (count: number) => Uint8Array;
}

/** The rooms that a relay serves: all, only those that it has served before, or each new one only once. */
export class ServedRooms extends Set<string> {
  newRooms: 'open' | 'closed' | 'once' = 'open';
  private readonly refused = new Set<string>();

  override has(room: string): boolean {
    if (this.newRooms === 'open') this.add(room);
    if (super.has(room)) return true;
    if (this.newRooms === 'closed' || this.refused.has(room)) return false;
    this.refused.add(room);
    return true;
  }
}

/** Creates a group room whose creator is the person of mark 1. */
export const groupRoomFixture = ({
  removalRule = 'creator',
  seed = 'room',
  cryptography = nodeCryptography,
  hasStore = false,
  ...relayOptions
}: FakeRelayOptions & {
  readonly removalRule?: RemovalRule;
  readonly seed?: string;
  /** Whether the relay has a store that can be restored. */
  readonly hasStore?: boolean;
  /** By default that of Node. */
  readonly cryptography?: GroupCryptography;
} = {}): GroupRoomFixture => {
  const random = seededRandom(seed);
  const identityOf = (mark: number) => cryptography.identity(new Uint8Array(32).fill(mark));
  let logCount = 0;
  const options = {
    hash: cryptography.hash,
    // As at a relay, the next room of a group has another log.
    logId: () => `log-${(logCount += 1)}`,
    ...relayOptions,
  };
  const forgetful = forgetfulRelay(options);
  const { loseLogs } = forgetful;
  const stored = restorableRelay(options);
  const relay = hasStore ? stored : forgetful.relay;
  const groupId = formatGroupId({ removalRule, creator: identityOf(1).key, random: random(16) });
  const inviteSecret = random(32);
  const suite = cryptography.suite(random);
  const hpke = createHpke(suite);
  const keyUse = watchKeyUse(cryptography.cipher(seededRandom(`${seed} iv`)));
  const { cipher, reusedKeys } = keyUse;
  const deriveRoom = (secret: Uint8Array) => {
    const name = toBase64url(secret);
    keyUse.addOuterKey(secret);
    return {
      room: name as RoomName,
      sign: (message: Uint8Array) => toBase64url(fakeSignature(name, message)),
      outerKey: asFernetKey(secret.slice()),
    };
  };

  const client: GroupRoomFixture['client'] = (
    nick,
    mark,
    { inviteSecret: secret = inviteSecret, label = 'laptop', slot = 0, forgetMs = Infinity } = {},
  ) => {
    const identity = identityOf(mark);
    let shared: SharedStorage | undefined;
    const context: Context = {
      suite,
      hpke,
      cipher,
      engine: createStarEngine(suite),
      device: createDevice(suite.ed25519.signingKey(new Uint8Array(32).fill(100 + mark)), identity, label),
      groupIdHash: suite.sha256(groupId),
      forgetMs,
      slot,
      findHandshake: (commit) =>
        findHandshake(
          context,
          {
            loadSlotRecords: () => shared?.slotRecords.values() ?? [],
            loadSnapshot: () => shared?.snapshot,
          },
          commit,
        ),
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
        after,
        earlierHashAt,
        pendingMessages = [],
        storage,
        message$,
        last = 0,
      }: RunOptions = {}) => {
        shared = storage;
        const stored = storage ? storage.snapshot : self.stored;
        const slotRecord = storage ? storage.slotRecords.get(slot) : self.slotRecord;
        const snapshot = stored && parseSnapshot(context, stored, slotRecord);
        const operator = groupRoomClient({
          connect$: relay.connect().pipe(map(keyUse.watch)),
          pendingMessages,
          last,
          after,
          earlierHashAt,
          retry: { random: () => random(1)[0]! / 256 },
          nick,
          session: toBase64url(random(16)),
          senderSession: toBase64url(random(16)),
          identity,
          hash: cryptography.hash,
          // As that of a clock: retries have fractions of a millisecond.
          now: () => Math.floor(asyncScheduler.now()),
          group: {
            context,
            role,
            inviteSecret: invite,
            deriveRoom,
            snapshot,
            order: storage ? storage.order : self.order,
            save: (bytes, order, record) => {
              if (storage) return storage.save(bytes, order, record);
              // As a store does: a snapshot that is older than the stored one is ignored.
              const before = self.order ?? order;
              if (
                order.epoch < before.epoch ||
                (order.epoch === before.epoch && order.position < before.position)
              )
                return save$;
              self.order = order;
              self.stored = bytes;
              self.slotRecord = record ?? self.slotRecord;
              return save$;
            },
            request$: self.requests,
            random: () => random(1)[0]! / 256,
            randomBytes: random,
          },
        });
        return (message$ ?? self.messages).pipe(operator);
      },
    };
    return self;
  };
  const { backUp, restore } = stored;
  return {
    relay,
    loseLogs,
    backUp,
    restore,
    reusedKeys,
    creator: { type: 'creator', groupId },
    inviteSecret,
    client,
    random,
  };
};
