import { defer, merge, NEVER, type Observable } from 'rxjs';
import type {
  Cipher,
  ClientOptions,
  GroupRequest,
  GroupRole,
  Identity,
  QueuedMessage,
  SnapshotOrder,
} from '../../streams/client/index.js';
import type { Device } from '../../streams/client/group/index.js';
import { type Connection, type Resume, toBase64url } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import type { Platform } from './platform.js';

/** The default of `forgetMs` in ms: 7 days. */
export const DEFAULT_FORGET_MS: number = 7 * 24 * 60 * 60 * 1000;

/** How a device takes part in a group room. */
export interface GroupSettings {
  /** The key pair of this device, certified by the identity (`createDevice`). */
  readonly device: Device;
  /** Default: a member. */
  readonly role?: GroupRole | undefined;
  /** SECRET. The snapshot that an earlier run of this device stored last. */
  readonly snapshot?: Uint8Array | undefined;
  /** The order of that snapshot. */
  readonly order?: SnapshotOrder | undefined;
  /** SECRET. What a process in this slot stored last, if several processes share the snapshot. */
  readonly slotRecord?: Uint8Array | undefined;
  /** SECRET. Loads the records of all slots, if several processes share the snapshot. */
  readonly loadSlotRecords?: (() => Iterable<Uint8Array>) | undefined;
  /** SECRET. Loads the snapshot that is stored now, if several processes share it. */
  readonly loadSnapshot?: (() => Uint8Array | undefined) | undefined;
  /**
   * Stores a snapshot and the record of this slot, which are secret. Completes once a crash cannot lose them, and errors
   * if they are not stored. Messages wait for it. The record matters only if several processes share the snapshot. Without
   * one, the slot keeps the one that it has.
   */
  readonly save: (snapshot: Uint8Array, order: SnapshotOrder, slotRecord?: Uint8Array) => Observable<unknown>;
  /** Which of the running processes of the device this is: 0 to 3. No two may have the same. Default 0. */
  readonly slot?: number | undefined;
  /** Emits what this client requests of the group. */
  readonly request$?: Observable<GroupRequest> | undefined;
  /**
   * For how many ms after the end of an epoch this device can read its messages again, and up to 30 s more. Default: 7
   * days. 0 forgets each key once it was used, `Infinity` none. The snapshot does not contain it.
   */
  readonly forgetMs?: number | undefined;
}

export interface JoinRoomOptions {
  readonly nick: string;
  /** Nicks to change to. */
  readonly nick$?: Observable<string> | undefined;
  /** Signs your messages. By default each subscription creates a new identity. */
  readonly identity?: Identity | undefined;
  /**
   * Whether other connections with the same `identity` may use the nick at the same time: another terminal, tab
   * or device. Default true with an `identity`.
   */
  readonly sharesNick?: boolean | undefined;
  /** The known keys of nicks. With an `identity`, your own is added. */
  readonly known?: ReadonlyMap<string, string> | undefined;
  /** The newest message time of each key in earlier runs, in ms since 1970. Older messages are marked `old`. */
  readonly newestTimeMs?: ReadonlyMap<string, number> | undefined;
  /** Start after this position. By default only new messages are read. */
  readonly after?: Resume | undefined;
  /**
   * Returns the hash of an entry at `after` or before that an earlier run has read, or `undefined` if it is unknown. If
   * the relay is restored to an earlier state, reading continues after the newest entry that both have.
   */
  readonly earlierHashAt?: ((position: number) => string | undefined) | undefined;
  /** Start with this many of the newest entries. By default only new messages are read. */
  readonly last?: number | undefined;
  /** The Fernet cipher. Default: the one of the platform. */
  readonly cipher?: Cipher;
  /** Connects to the relay. Default: the function of the platform. */
  readonly connect?: (invite: Invite) => Observable<Connection>;
  /** Whether to reconnect. Default true. */
  readonly retry?: boolean;
  /** Emits to retry a connection immediately. */
  readonly retry$?: Observable<unknown> | undefined;
  /** Heartbeat interval in ms; the connection is lost after two without traffic. Default 15 s. */
  readonly heartbeatMs?: number | undefined;
  /** Whether reading is paused, so that the silence of the relay means nothing. */
  readonly isPaused?: (() => boolean) | undefined;
  /** The session of an earlier run with its messages without a receipt, which is continued. */
  readonly restored?: { readonly session: string; readonly pending: readonly QueuedMessage[] } | undefined;
  /** Access token of a private relay. It is never sent; the client proves that it has it. */
  readonly accessToken?: string | undefined;
  /** 16 random bytes in base64url by which the relay recognizes a returning member. Keep it secret. */
  readonly session?: string;
  /** How this device takes part in a group room: required if the invite has a `group`. */
  readonly group?: GroupSettings | undefined;
  /** Aborting unsubscribes and completes. */
  readonly signal?: AbortSignal | undefined;
}

/** Returns the options that a group room needs. Throws a `TypeError` without them: the group recognises a device by both. */
export const requireGroupOptions = ({
  identity,
  group,
}: JoinRoomOptions): { readonly identity: Identity; readonly group: GroupSettings } => {
  if (identity === undefined || group === undefined)
    throw new TypeError('a group room needs the options `identity` and `group`');
  return { identity, group };
};

const SESSION_BYTES = 16;

/** Returns the options of a client that do not depend on the keys of its room. */
export const toClientOptions = (
  platform: Platform,
  invite: Invite,
  {
    nick,
    nick$,
    identity,
    known,
    newestTimeMs,
    after,
    earlierHashAt,
    last,
    connect = platform.connect,
    retry = true,
    retry$ = NEVER,
    heartbeatMs,
    isPaused,
    restored,
    session,
    accessToken,
  }: JoinRoomOptions,
): ClientOptions => {
  const { random, now, monotonicNow, resume$ } = platform;
  const rotation = platform.relayRotation?.(invite, connect);
  const randomSession = () => toBase64url(platform.randomBytes(SESSION_BYTES));
  return {
    connect$: rotation?.connect$ ?? defer(() => connect(invite)),
    rotation,
    retry: retry ? { random, now: monotonicNow, wake$: merge(resume$, retry$) } : undefined,
    nick,
    nick$,
    // A new one per subscription, since the relay lets a session replace its own connection.
    session: session ?? restored?.session ?? randomSession(),
    senderSession: randomSession(),
    access: accessToken === undefined ? undefined : platform.proveAccess(accessToken),
    identity: identity ?? platform.createIdentity(),
    knownKeys: identity === undefined ? known : new Map([...(known ?? []), [nick, identity.key]]),
    newestTimeMs,
    hash: platform.hash,
    after,
    earlierHashAt,
    last,
    pendingMessages: restored?.pending ?? [],
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(isPaused !== undefined && { isPaused }),
    now,
  };
};
