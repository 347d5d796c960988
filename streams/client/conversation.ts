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
import { outbox, type Said, type Stored } from './outbox.js';
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
 * its echo is its receipt (`stored`). Nothing is held back here: who can wait paces what it says by `said` and `stored`.
 * When what you say completes there is a `said-all`, and one goes on hearing; it completes after the relay's `BYE`.
 * Errors as `enter`, `seal` and `open` do. Whatever ends it, unsubscribing too, says `BYE` and closes the connection.
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
      const box = outbox();
      const ask = (wanted: boolean, position: number) => {
        if (wanted) connection.write(encodeLine(controlLine({ type: 'ping', n: position })));
      };

      const hear = (event: Opened | Undecryptable | Passing): Heard[] => {
        switch (event.type) {
          case 'opened':
            return [...messages(event, session), ...box.echo(event.token, event.position)];
          case 'gap':
            ask(box.gap(), event.to);
            return [event];
          case 'pong': {
            const { stored, ask: again } = box.pong();
            ask(again, event.n);
            return stored;
          }
          default:
            return [event];
        }
      };

      return enter(options).pipe(
        open<Passing>(options),
        connect((event$) =>
          merge(
            event$.pipe(mergeMap(hear)),
            event$.pipe(
              filter(({ type }) => type === 'welcome'),
              take(1),
              switchMap(() => say$),
              seal(options),
              map(({ token, lines }): Said | SaidAll => {
                const line = encodeLine(token);
                const said: Said = { type: 'said', lines, bytes: line.length };
                box.sent(token, said);
                connection.write(line);
                return said;
              }),
              endWith<Said | SaidAll>({ type: 'said-all' }),
              takeUntil(event$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
        finalize(() => {
          try {
            connection.write(encodeLine(controlLine({ type: 'bye', reason: 'leaving', retryMs: 0 })));
          } catch {
            // It closes anyway; that it could not say so is no reason of its own.
          }
          connection.close();
        }),
      );
    });

/** What passes `open` as it is. */
type Passing = Extract<Received, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' | 'pong' }>;

const messages = ({ position, envelope }: Opened, session: string): Message[] => {
  const { nick, time, lines } = envelope;
  const own = envelope.session === session;
  return lines.map((text, index) => ({ type: 'message', position, index, nick, time, text, own }));
};
