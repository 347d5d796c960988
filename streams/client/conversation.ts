import {
  connect,
  defer,
  endWith,
  filter,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  type OperatorFunction,
  switchMap,
  take,
  takeUntil,
} from 'rxjs';
import { controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import { enter, type EnterOptions } from './enter.js';
import type { Received } from './entries.js';
import { open, type OpenOptions, type Opened, type Undecryptable } from './open.js';
import { type Say, seal, type SealOptions } from './seal.js';

/** Something that somebody said: line number `index` (from 0) of the entry at `position`. */
export interface Message {
  readonly type: 'message';
  readonly position: number;
  readonly index: number;
  readonly nick: string;
  /** By the sender's clock, in ms since 1970. */
  readonly time: number;
  readonly text: string;
  /** Whether this very client said it. */
  readonly own: boolean;
}

/** Lines of ours went out; they are pending. */
export interface Said {
  readonly type: 'said';
  readonly lines: readonly string[];
}

/** Lines of ours came back in their place: the echo is the receipt. In the order in which they were said. */
export interface Stored {
  readonly type: 'stored';
  readonly position: number;
  readonly lines: readonly string[];
}

/** All that was to be said went out: what you say has completed. */
export interface SaidAll {
  readonly type: 'said-all';
}

/** All that a client gets to know. */
export type Heard =
  | Extract<Received, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' }>
  | Message
  | Undecryptable
  | Said
  | SaidAll
  | Stored;

export interface ConversationOptions extends EnterOptions, OpenOptions, SealOptions {}

/**
 * What you say in, what you hear out: a client's side of a room, over a connection.
 *
 * Enters the room once a key is there, and subscribes to what you say once it is in. Each thing said becomes a token;
 * its echo is its receipt (`stored`). When what you say completes there is a `said-all`, and one goes on hearing; it
 * completes after the relay's `BYE`. Errors as `enter`, `seal` and `open` do. Whatever ends it, unsubscribing too, says `BYE` and closes the
 * connection.
 *
 * ```text
 * say      ----------------hello-------------------------
 *            conversation(options)
 * heard    --welcome-------said----(message,stored)--joined--(bye|)
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { conversation, type ConversationOptions } from 'rxchat/streams';
 *
 * const hello = (options: ConversationOptions) => of({ lines: ['hello'] }).pipe(conversation(options));
 */
export const conversation =
  (options: ConversationOptions): OperatorFunction<Say, Heard> =>
  (say$) =>
    defer(() => {
      const { connection, session } = options;
      const pending = new Map<string, readonly string[]>();

      const hear = (event: Opened | Other): Heard[] => {
        if (event.type !== 'opened') return [event];
        const { position, token, envelope } = event;
        const { nick, time } = envelope;
        const own = envelope.session === session;
        const heard: Heard[] = envelope.lines.map((text, index) => ({
          type: 'message',
          position,
          index,
          nick,
          time,
          text,
          own,
        }));
        const lines = pending.get(token);
        if (lines !== undefined && pending.delete(token)) heard.push({ type: 'stored', position, lines });
        return heard;
      };

      return enter(options).pipe(
        open<Other>(options),
        connect((event$) =>
          merge(
            event$.pipe(mergeMap(hear)),
            event$.pipe(
              filter(({ type }) => type === 'welcome'),
              take(1),
              switchMap(() => say$),
              seal(options),
              map(({ token, lines }): Said | SaidAll => {
                pending.set(token, lines);
                connection.write(encodeLine(token));
                return { type: 'said', lines };
              }),
              endWith<Said | SaidAll>({ type: 'said-all' }),
              takeUntil(event$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
        finalize(() => {
          connection.write(encodeLine(controlLine({ type: 'bye', reason: 'leaving', retryMs: 0 })));
          connection.close();
        }),
      );
    });

/** What passes `open` as it is. */
type Other = Exclude<Heard, Message | Said | SaidAll | Stored> | Undecryptable;
