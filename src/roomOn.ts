import {
  catchError,
  defer,
  finalize,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
} from 'rxjs';
import {
  type Cipher,
  conversation,
  type Heard,
  type Identity,
  type Keyring,
  ownerKey,
  type Said,
  type Say,
} from '../streams/client/index.js';
import { type Connection, RefusedError, type Resume, toBase64url } from '../streams/wire/index.js';
import { untilAborted } from './aborted.js';
import type { Invite } from './invite/invite.js';
import { parseInvite } from './invite/text.js';
import type { Platform } from './platform.js';

export interface RoomOptions {
  readonly nick: string;
  /** Other nicks to go by from then on. */
  readonly nick$?: Observable<string> | undefined;
  /** Who you are: what signs what you say. Where nothing is said, somebody new each time. */
  readonly identity?: Identity | undefined;
  /**
   * Whether other connections of the same `identity` may have the nick in this room at the same time: another terminal,
   * tab or device. They may by default; without an `identity` there are none.
   */
  readonly sharesNick?: boolean | undefined;
  /** The keys of nicks that are known from before; yours is among them where an `identity` is given. */
  readonly known?: ReadonlyMap<string, string> | undefined;
  /**
   * The newest time of each key that earlier runs have seen, in ms since 1970 and not later than it was then: a message
   * that is older is marked (`old`).
   */
  readonly newestTimeMs?: ReadonlyMap<string, number> | undefined;
  /** Read from after this position, instead of from now on. */
  readonly after?: Resume | undefined;
  /** Begin with this many of the newest entries, instead of from now on. */
  readonly last?: number | undefined;
  /** The Fernet engine; the platform's where nothing is said. */
  readonly cipher?: Cipher;
  /** Another way to the relay than the platform's. */
  readonly connect?: (invite: Invite) => Observable<Connection>;
  /** Whether a connection that is lost is made again; it is, where nothing else is said. */
  readonly retry?: boolean;
  /** Tries a relay that is away at once when it emits, instead of at the end of a wait. */
  readonly retry$?: Observable<unknown> | undefined;
  /** Half the longest silence of the relay that is taken, in ms; 15 s. */
  readonly heartbeat?: number | undefined;
  /** Whether the connection is paused at present: then the silence of the relay is one's own. */
  readonly isHeld?: (() => boolean) | undefined;
  /** The session of an earlier run, and what it said that has no receipt: it is continued. */
  readonly restored?: { readonly session: string; readonly said: readonly Said[] } | undefined;
  /** The access token of a private relay; it is not sent, only shown to be there. */
  readonly accessToken?: string | undefined;
  /** 16 random bytes, base64url, by which the relay knows who comes back; to be kept secret. */
  readonly session?: string;
  /** Ends it as unsubscribing does, and completes it. */
  readonly signal?: AbortSignal | undefined;
}

const SESSION_BYTES = 16;

/** `room` for a platform. The room's key is overwritten once it is unsubscribed or over. */
export const roomOn =
  (platform: Platform) =>
  (
    invite: Invite | string,
    {
      nick,
      nick$,
      identity,
      sharesNick = true,
      known,
      newestTimeMs,
      after,
      last,
      cipher = platform.cipher(),
      connect = platform.connect,
      retry = true,
      retry$ = NEVER,
      heartbeat,
      isHeld,
      restored,
      session,
      accessToken,
      signal,
    }: RoomOptions,
  ): OperatorFunction<string | Say, Heard> =>
  (say$) =>
    defer(() => {
      const { random, now, monotonicNow, resume$ } = platform;
      const where = typeof invite === 'string' ? parseInvite(invite) : invite;
      const { room: name, fernetKey, sign } = platform.deriveRoomKeys(where.secret);
      const keyring: Keyring = { seal: fernetKey, open: [fernetKey] };
      const fresh = () => toBase64url(platform.randomBytes(SESSION_BYTES));
      return say$.pipe(
        map((say) => (typeof say === 'string' ? { lines: [say] } : say)),
        conversation({
          connect$: defer(() => connect(where)),
          retry: retry ? { random, now: monotonicNow, woke$: merge(resume$, retry$) } : undefined,
          nick,
          nick$,
          room: name,
          // For each subscription another one: the relay lets a session take its own place over.
          session: session ?? restored?.session ?? fresh(),
          run: fresh(),
          sign,
          access: accessToken === undefined ? undefined : platform.showAccess(accessToken),
          owner: identity && sharesNick ? ownerKey(identity, { ...platform, room: name }) : undefined,
          identity: identity ?? platform.createIdentity(),
          known: identity === undefined ? known : new Map([...(known ?? []), [nick, identity.key]]),
          newestTimeMs,
          verify: platform.verify,
          hash: platform.hash,
          after,
          last,
          restored: restored?.said ?? [],
          ...(heartbeat !== undefined && { heartbeat }),
          ...(isHeld !== undefined && { isHeld }),
          cipher,
          keyring$: of(keyring),
          now,
        }),
        catchError((error: unknown) => {
          throw identity === undefined ? withAdvice(error) : error;
        }),
        untilAborted(signal),
        finalize(() => {
          fernetKey.fill(0);
        }),
      );
    });

/** Without an `identity` each subscription is another person, and so cannot share a nick. */
const withAdvice = (error: unknown): unknown =>
  error instanceof RefusedError && error.code === 'nick-taken'
    ? new RefusedError(
        error.code,
        `${error.message}; if another subscription of yours has it, share one of them, or give all the same identity`,
      )
    : error;
