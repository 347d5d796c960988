import {
  AsyncSubject,
  catchError,
  connect,
  defer,
  EMPTY,
  filter,
  finalize,
  ignoreElements,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  type OperatorFunction,
  pipe,
  ReplaySubject,
  share,
  Subject,
  tap,
  timer,
} from 'rxjs';
import { bufferUntilSubscribed } from '../rx/bufferUntilSubscribed.js';
import { ConnectionError, LimitError } from '../wire/errors.js';
import type { ClientEvent, Message } from './clientEvent.js';
import type { Undecryptable } from './receive/open.js';
import { fitsInMessage, MAX_MESSAGE_BYTES } from './send/batchLines.js';
import type { OutgoingMessage } from './send/seal.js';
import { roster, type Roster, sessionState, type SessionState } from './sessionState.js';

/** Confirms that the relay stored a message in the log of the room. */
export interface Receipt {
  /** The position of the message in the log, or `undefined` if a gap hid it. */
  readonly position: number | undefined;
  /** When the receipt arrived, by the clock of this client, in ms since 1970. */
  readonly time: number;
}

/** A client in a room, while the `session` that emitted it is subscribed. All streams then complete; none errors. */
export interface Session {
  /** The messages from now on (hot). A message that cannot be decrypted is a value. */
  readonly message$: Observable<Message | Undecryptable>;
  /** The state of the connection (replays the present one). The last state is `closed`. */
  readonly state$: Observable<SessionState>;
  /** The members, at each change (replays the present list). */
  readonly roster$: Observable<Roster>;
  /** All events from now on (hot), including alarms and changes of keys. */
  readonly event$: Observable<ClientEvent>;
  /**
   * Sends a text once and emits its receipt.
   *
   * The call creates the message and the first subscription sends it. Every subscription gets the receipt, also a late
   * one, so `retry` cannot send twice. The message waits while the client is offline. Unsubscribing does not recall it.
   *
   * Errors with `LimitError` if the text is too long, or if too many messages are pending; in the second case a later
   * subscription tries again. Errors with the error of the session if it ends before the receipt.
   */
  readonly send: (text: string) => Observable<Receipt>;
}

export interface SessionOptions {
  /** Connects the messages to a room, such as `roomClient(options)`. */
  readonly room: OperatorFunction<OutgoingMessage, ClientEvent>;
  /** Returns the time of day in ms since 1970. */
  readonly now: () => number;
  /** The maximum number of messages without a receipt (default 1024). */
  readonly maxPending?: number;
}

/** The default maximum number of messages without a receipt. */
export const DEFAULT_MAX_PENDING = 1024;

/**
 * Emits one `Session`, and stays in the room while it is subscribed.
 *
 * Cold: each subscription is a session of its own. A lost connection is a state (`offline`). Completes and errors with
 * `room`. Unsubscribing leaves the room.
 *
 * ```text
 *           session({ room, now })
 * out       s-----------------------#
 * state$    c----o--------f----c--o-(X|)   c: connecting, o: online, f: offline, X: closed
 * ```
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { roomClient, type RoomClientOptions, session } from 'rxchat/streams';
 *
 * const messages = (options: RoomClientOptions) =>
 *   session({ room: roomClient(options), now: options.now }).pipe(switchMap(({ message$ }) => message$));
 */
export const session = ({
  room,
  now,
  maxPending = DEFAULT_MAX_PENDING,
}: SessionOptions): Observable<Session> =>
  defer(() => {
    const events = new Subject<ClientEvent>();
    const states = new ReplaySubject<SessionState>(1);
    const rosters = new ReplaySubject<Roster>(1);
    const { push, value$ } = bufferUntilSubscribed<OutgoingMessage>();
    /** By the lines, which are the same object from `send` to `stored`. */
    const pendingReceipts = new Map<readonly string[], AsyncSubject<Receipt>>();
    let end: { readonly error: unknown } | undefined;

    const handle = (event: ClientEvent) => {
      events.next(event);
      if (event.type !== 'stored' && event.type !== 'send-failed') return;
      const receipt = pendingReceipts.get(event.lines);
      pendingReceipts.delete(event.lines);
      if (event.type === 'send-failed') {
        receipt?.error(event.error);
        return;
      }
      receipt?.next({ position: event.position, time: now() });
      receipt?.complete();
    };

    const finish = (error: unknown) => {
      end ??= { error };
      events.complete();
      for (const receipt of pendingReceipts.values()) receipt.error(error);
      pendingReceipts.clear();
    };

    const leave = () => {
      if (end !== undefined) return;
      finish(new ConnectionError('the session was left'));
      states.next({ type: 'closed', reason: 'left' });
      states.complete();
      rosters.complete();
    };

    const send = (text: string): Observable<Receipt> => {
      const lines = [text];
      const receipt = new AsyncSubject<Receipt>();
      let isSent = false;
      return defer(() => {
        if (isSent) return receipt;
        if (end !== undefined) throw end.error;
        if (!fitsInMessage(text))
          throw new LimitError(`a message is over the limit of ${MAX_MESSAGE_BYTES} bytes`);
        if (pendingReceipts.size >= maxPending)
          throw new LimitError(`${maxPending} messages wait for their receipts`);
        isSent = true;
        pendingReceipts.set(lines, receipt);
        push({ lines });
        return receipt;
      });
    };

    const handled$ = value$.pipe(
      room,
      tap({
        next: handle,
        error: finish,
        complete: () => {
          finish(new ConnectionError('the session is over'));
        },
      }),
      // After `handle`: a subscriber gets a message before the state that results from it.
      connect((event$) =>
        merge(
          event$.pipe(sessionState({ now }), forwardTo(states)),
          event$.pipe(
            roster(),
            catchError(() => EMPTY),
            forwardTo(rosters),
          ),
          event$.pipe(ignoreElements()),
        ),
      ),
    );

    return merge(
      of<Session>({
        message$: events.pipe(filter((event) => event.type === 'message' || event.type === 'undecryptable')),
        state$: states.asObservable(),
        roster$: rosters.asObservable(),
        event$: events.asObservable(),
        send,
      }),
      handled$,
    ).pipe(finalize(leave));
  });

/** Forwards values and the end to a Subject. `tap(subject)` would unsubscribe the Subject as well. */
const forwardTo = <T>(subject: Subject<T>): OperatorFunction<T, never> =>
  pipe(
    tap<T>({
      next: (value) => {
        subject.next(value);
      },
      error: (error: unknown) => {
        subject.error(error);
      },
      complete: () => {
        subject.complete();
      },
    }),
    ignoreElements(),
  );

export interface ShareSessionOptions {
  /** How long an unused session is kept, in ms (default 0). */
  readonly keepAliveMs?: number;
}

/**
 * Shares one session among all subscribers.
 *
 * The first subscriber creates the session and later ones get it at once. It ends `keepAliveMs` ms after the last
 * subscriber has unsubscribed. A subscriber after that, or after an error, creates another session.
 *
 * ```text
 * first     ^----------!
 * second         ^---------!
 * session   s--------------!      ends when both have unsubscribed
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Session, shareSession } from 'rxchat/streams';
 *
 * const shared = (session$: Observable<Session>) => session$.pipe(shareSession({ keepAliveMs: 5000 }));
 */
export const shareSession = <T>({ keepAliveMs = 0 }: ShareSessionOptions = {}): MonoTypeOperatorFunction<T> =>
  share({
    connector: () => new ReplaySubject<T>(1),
    resetOnRefCountZero: keepAliveMs > 0 ? () => timer(keepAliveMs) : true,
  });
