import {
  catchError,
  connect,
  defer,
  endWith,
  filter,
  finalize,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  pipe,
  Subject,
  switchMap,
  take,
  tap,
} from 'rxjs';
import { takeUntilComplete } from '../rx/takeUntilComplete.js';
import type { Connection } from '../wire/connection.js';
import { RefusedError } from '../wire/errors.js';
import type { ClientEvent } from './clientEvent.js';
import type { Sha256 } from './envelope/identity.js';
import type { MessageContent } from './envelope/messageContent.js';
import { auditor, type AuditorOptions } from './integrity/auditor.js';
import { timestampChecker, type TimestampCheckerOptions } from './integrity/timestampChecker.js';
import { transcript } from './integrity/transcript.js';
import { type ConnectionEvent, type ConnectionStatus, isConnectionStatus } from './connectionEvent.js';
import { type Credentials, join, type JoinOptions } from './join.js';
import { type AuditedMessage, membership, type Membership, type MembershipOptions } from './membership.js';
import type { OpenedToken } from './receive/open.js';
import { nickChange } from './reconnect/nickChange.js';
import { reconnect, type ReconnectOptions } from './reconnect/reconnect.js';
import type { RelayRotation } from './reconnect/relayRotation.js';
import { checkMessage } from './send/batchLines.js';
import type { QueuedMessage } from './send/outbox.js';
import type { OutgoingMessage, SealOptions } from './send/seal.js';
import { isFatal, RECONNECT_POLICY } from './reconnectPolicy.js';

/** How a client reconnects. `now` is a monotonic clock in ms and defaults to the client's `now`. */
export type RetryOptions = Pick<ReconnectOptions<unknown>, 'random' | 'wake$' | 'stableAfterMs'> &
  Partial<Pick<ReconnectOptions<unknown>, 'now'>>;

/** What the clients of all rooms have in common. */
export interface ClientOptions
  extends
    Omit<JoinOptions, 'connection' | 'onSilence' | 'onActivity' | 'room' | 'sign' | 'owner'>,
    Omit<MembershipOptions, 'key' | 'hashAt'>,
    Omit<AuditorOptions, 'key'>,
    Pick<SealOptions, 'identity' | 'now'>,
    Pick<TimestampCheckerOptions, 'newestTimeMs'> {
  /** Computes SHA-256, to compare what members have read. */
  readonly hash: Sha256;
  /** Connects to the relay: emits a connection and completes, or errors with `ConnectionError`. */
  readonly connect$: Observable<Connection>;
  /** Connects to one of several relays instead (`relayRotation`). After each `offline` follows another one. */
  readonly rotation?: RelayRotation | undefined;
  /** How to reconnect. Without it, there is only one connection. */
  readonly retry?: RetryOptions | undefined;
  /** Emits each new nick that the client requests. */
  readonly nick$?: Observable<string> | undefined;
}

/** A message that was decrypted and has a valid signature. */
export interface OpenedMessage extends Omit<OpenedToken, 'envelope'> {
  readonly envelope: MessageContent & { readonly key: string };
  /** Equal for copies of the same message, and for no other message. */
  readonly contentId: string;
  /** Present if the sender is not a member of the group. */
  readonly external?: true;
}

/** What a room's keys decide: where to join, and how its tokens are sealed and opened. */
export interface RoomMethod<Event extends { readonly type: string }> {
  /** Returns the room to join, for each connection. */
  readonly credentials: () => Pick<Credentials, 'room' | 'sign' | 'owner'>;
  /**
   * Returns why a join is refused for now, although the code of the refusal is not transient, or `undefined`. A client
   * that was welcomed before then retries.
   */
  readonly explainRefusal?: (error: RefusedError) => string | undefined;
  readonly open: OperatorFunction<ConnectionEvent, Event | OpenedMessage | ConnectionStatus>;
  readonly seal: OperatorFunction<OutgoingMessage, QueuedMessage>;
  /** Handles what was opened and audited. Returns what to report. */
  readonly handle: (event: Event | AuditedMessage) => Iterable<ClientEvent>;
  /** Whether messages can be sealed. Until then the client does not subscribe to them. */
  readonly canSeal: () => boolean;
  /** Emits if the client has to join another room at once. */
  readonly moved$: Observable<unknown>;
  /** What else the client emits. It is subscribed before the first connection. */
  readonly output$: Observable<ClientEvent>;
}

/** What a method may use of its client. */
export interface RoomContext {
  readonly member: Membership;
  readonly getAttestation: NonNullable<SealOptions['getAttestation']>;
  /** Records that earlier tokens of the log could not be opened, so that missing messages are no misbehaviour. */
  readonly recordUnreadable: () => void;
}

/**
 * The client side of a room, for any way of sealing and opening its tokens: `roomClient` and `groupRoomClient` are made
 * of it.
 *
 * Subscribes to the messages once they can be sealed, after the first `welcome`.
 */
export const client =
  <Event extends { readonly type: string }>(
    { connect$, rotation, retry, nick$ = NEVER, ...options }: ClientOptions,
    createMethod: (context: RoomContext) => RoomMethod<Event>,
  ): OperatorFunction<OutgoingMessage, ClientEvent> =>
  (message$) =>
    defer(() => {
      const { key } = options.identity;
      const log = transcript(options);
      const member = membership({ ...options, key, hashAt: log.hashAt });
      const audit = auditor({ ...options, key }, log);
      const timestamps = timestampChecker(options);
      const nicks = nickChange(options.nick);
      const activity = new Subject<void>();
      const method = createMethod({
        member,
        getAttestation: () => ({ nick: nicks.nick, stored: member.storedCount, seen: log.summary() }),
        recordUnreadable: log.recordUnreadable,
      });

      const joinAs = (nick: string) => (relay$: Observable<Connection>) =>
        defer(() => {
          // Closes the connection with the previous nick, if there is one.
          member.detach();
          return relay$.pipe(
            tap((connection) => {
              member.attach(connection);
            }),
            switchMap((connection) =>
              join({
                ...options,
                ...method.credentials(),
                ...member.resumePoint,
                nick,
                connection,
                onSilence: member.ping,
                onActivity: () => {
                  activity.next();
                },
              }),
            ),
            tap((received) => {
              if (received.type === 'welcome' && member.joinsAgain(received)) throw JOIN_AGAIN;
            }),
            catchError((error: unknown, joined$) => {
              if (error === JOIN_AGAIN) {
                member.detach();
                return joined$;
              }
              const reason = error instanceof RefusedError ? method.explainRefusal?.(error) : undefined;
              throw error instanceof RefusedError && reason !== undefined
                ? new RefusedError(error.code, `${reason}: ${error.message}`)
                : error;
            }),
          );
        });
      const connectAs = (nick: string) => rotation?.connect(joinAs(nick)) ?? joinAs(nick)(connect$);

      const received$: Observable<ConnectionEvent> = nick$.pipe(
        tap(nicks.request),
        connect((requested$) => {
          const connection$ = nicks.connect(connectAs, merge(requested$, method.moved$));
          return retry === undefined
            ? connection$
            : connection$.pipe(
                reconnect({
                  ...RECONNECT_POLICY,
                  isFatal: (error, wasUp) => isFatal(error, wasUp, method.explainRefusal),
                  now: options.now,
                  ping: member.ping,
                  activity$: activity,
                  isPaused: options.isPaused,
                  otherPeers: rotation && rotation.count - 1,
                  ...retry,
                }),
              );
        }),
      );

      const audited = (event: OpenedMessage): AuditedMessage => ({
        ...event,
        ...audit(event),
        timing: timestamps.check(event.envelope, event.position),
      });

      return received$.pipe(
        tap((received) => {
          if (received.type === 'offline') {
            member.detach();
            rotation?.advance();
          }
          if (received.type === 'welcome') timestamps.onWelcome(received);
          log.read(received);
        }),
        method.open,
        tap((event) => {
          if (!isOpened(event)) return;
          const { seen, key: sender, session } = event.envelope;
          const isOwn = sender === key && session === options.senderSession;
          if (isOwn && seen !== undefined) log.confirm(seen, event.position);
        }),
        map((event) => (isOpened(event) ? audited(event) : event)),
        connect((event$) =>
          merge(
            method.output$.pipe(takeUntilComplete(event$)),
            event$.pipe(
              mergeMap((event): Iterable<ClientEvent> =>
                isConnectionStatus(event) ? [event] : method.handle(event),
              ),
            ),
            event$.pipe(
              filter(method.canSeal),
              take(1),
              switchMap(() => message$),
              rejectOversized(pipe(method.seal, tap(member.send))),
              endWith<ClientEvent>({ type: 'input-complete' }),
              takeUntilComplete(event$),
            ),
          ),
        ),
        finalize(member.leave),
      );
    });

/** Ends a connection that begins too early in a log that was restored. */
const JOIN_AGAIN = new Error('the log continues the one that was read');

const isOpened = (event: { readonly type: string }): event is OpenedMessage => event.type === 'opened';

/** Sends valid messages. Invalid messages become `send-failed` and get no number. */
const rejectOversized =
  (send: OperatorFunction<OutgoingMessage, ClientEvent>): OperatorFunction<OutgoingMessage, ClientEvent> =>
  (message$) =>
    message$.pipe(
      map((message) => ({ message, error: checkMessage(message) })),
      connect((checked$) =>
        merge(
          checked$.pipe(
            filter(({ error }) => error === undefined),
            map(({ message }) => message),
            send,
          ),
          checked$.pipe(
            mergeMap(({ message, error }): readonly ClientEvent[] =>
              error === undefined ? [] : [{ type: 'send-failed', ...message, error }],
            ),
          ),
        ),
      ),
    );
