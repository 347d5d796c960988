import {
  AsyncSubject,
  catchError,
  defer,
  EMPTY,
  filter,
  finalize,
  ignoreElements,
  merge,
  type Observable,
  of,
  type OperatorFunction,
  pipe,
  ReplaySubject,
  Subject,
  tap,
} from 'rxjs';
import { LimitError, LinkError } from '../wire/errors.js';
import type { Heard } from './conversation.js';
import { mailbox } from './mailbox.js';
import type { Message } from './membership.js';
import type { Undecryptable } from './open.js';
import { isSayable, PACK_LIMIT } from './pack.js';
import { roster, type Roster } from './roster.js';
import type { Say } from './seal.js';
import { sessionState, type SessionState } from './sessionState.js';

/** The relay has what was said, in the room's log. */
export interface Receipt {
  /** Its place in the room's order; `undefined` where it is stored and a gap swallowed where. */
  readonly position: number | undefined;
  /** When the receipt came, by the clock of this client, in ms since 1970. */
  readonly time: number;
}

/**
 * A client's place in a room, for as long as the `session` that emitted it is subscribed. All of its streams complete
 * when that is over and none of them errors.
 */
export interface Session {
  /** What is said in the room, from now on; a message that does not open is a value among them. */
  readonly message$: Observable<Message | Undecryptable>;
  /** How things are; the present state comes at once. Never errors; the last one is `closed`. */
  readonly state$: Observable<SessionState>;
  /** Who is here, whenever that changes; the present list comes at once, where there is one. */
  readonly member$: Observable<Roster>;
  /** All that is heard, alarms and keys too, from now on. */
  readonly heard$: Observable<Heard>;
  /**
   * Says a text once, whoever subscribes how often: the call makes the message, the first subscription sends it, and
   * each gets its receipt, late ones too; so `retry` cannot send it twice. While the connection is away it waits, and
   * goes out when it is back. Unsubscribing stops listening and takes nothing back. Errors where it can never be stored:
   * with `LimitError` (too long); and where the session ended before there was a receipt, with what ended it. With
   * `LimitError` too, before it is sent, where too many wait already: then a later subscription tries again.
   */
  readonly say: (text: string) => Observable<Receipt>;
}

export interface SessionOptions {
  /** A room: what is said in, what is heard out. */
  readonly talk: OperatorFunction<Say, Heard>;
  /** The clock, in ms since 1970. */
  readonly now: () => number;
  /** How many messages may wait for their receipts; 1024. */
  readonly limit?: number;
}

/** How many messages may wait for their receipts, where nothing else was said. */
export const SESSION_LIMIT = 1024;

/**
 * A room as an object: emits one `Session` at once, and stays for as long as it is subscribed.
 *
 * Cold: each subscription is a session of its own. What a passing trouble is, is state (`offline`); what ends it all is
 * the error of this stream, and of no other. It completes with `talk`. Unsubscribing leaves the room.
 *
 * ```text
 *           session({ talk, now })
 *         s-----------------------#
 * state$  c----o--------f----c--o-(X|)
 * ```
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { conversation, type ConversationOptions, session } from 'rxchat/streams';
 *
 * const messages = (options: ConversationOptions) =>
 *   session({ talk: conversation(options), now: options.now }).pipe(switchMap(({ message$ }) => message$));
 */
export const session = ({ talk, now, limit = SESSION_LIMIT }: SessionOptions): Observable<Session> =>
  defer(() => {
    const heard = new Subject<Heard>();
    /** The same once more, after all who hear it: they have a message before the state that comes of it. */
    const noticed = new Subject<Heard>();
    const state = new ReplaySubject<SessionState>(1);
    const member = new ReplaySubject<Roster>(1);
    const { post, letter$ } = mailbox<Say>();
    /** By the lines themselves: they stay the same object on the way from `say` to `stored`. */
    const waiting = new Map<readonly string[], AsyncSubject<Receipt>>();
    let end: { readonly error: unknown } | undefined;

    const hear = (each: Heard) => {
      heard.next(each);
      if (each.type !== 'stored' && each.type !== 'not-said') return;
      const receipt = waiting.get(each.lines);
      waiting.delete(each.lines);
      if (each.type === 'not-said') {
        receipt?.error(each.error);
        return;
      }
      receipt?.next({ position: each.position, time: now() });
      receipt?.complete();
    };

    const finish = (error: unknown) => {
      end ??= { error };
      heard.complete();
      for (const receipt of waiting.values()) receipt.error(error);
      waiting.clear();
    };

    const leave = () => {
      if (end !== undefined) return;
      finish(new LinkError('the session was left'));
      state.next({ type: 'closed', reason: 'left' });
      state.complete();
      member.complete();
    };

    const say = (text: string): Observable<Receipt> => {
      const lines = [text];
      const receipt = new AsyncSubject<Receipt>();
      let isSent = false;
      return defer(() => {
        if (isSent) return receipt;
        if (end !== undefined) throw end.error;
        if (!isSayable(text)) throw new LimitError(`a message is over the limit of ${PACK_LIMIT} bytes`);
        if (waiting.size >= limit) throw new LimitError(`${limit} messages wait for their receipts`);
        isSent = true;
        waiting.set(lines, receipt);
        post({ lines });
        return receipt;
      });
    };

    const here: Session = {
      message$: heard.pipe(filter((each) => each.type === 'message' || each.type === 'undecryptable')),
      state$: state.asObservable(),
      member$: member.asObservable(),
      heard$: heard.asObservable(),
      say,
    };

    return merge(
      of(here),
      noticed.pipe(sessionState({ now }), into(state)),
      noticed.pipe(
        roster(),
        catchError(() => EMPTY),
        into(member),
      ),
      letter$.pipe(
        talk,
        tap({
          next: hear,
          error: finish,
          complete: () => {
            finish(new LinkError('the session is over'));
          },
        }),
        into(noticed),
      ),
    ).pipe(finalize(leave));
  });

/** Tells a subject all that comes, and how it ends; unlike `tap(subject)`, which unsubscribes the subject too. */
const into = <T>(subject: Subject<T>): OperatorFunction<T, never> =>
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
