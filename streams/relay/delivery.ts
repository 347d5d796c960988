import { controlLine } from '../wire/control.js';
import { welcomeLine } from '../wire/handshake.js';
import { encodeLine } from '../wire/utf8.js';
import { Follower } from './follower.js';
import type { Failed, Seated } from './roomEvent.js';
import type { Cursor } from './logCursor.js';
import type { Member } from './commands.js';

/** Who has lines delivered to a member. */
export interface Deliverer {
  readonly retryMs: number;
  /** A delivery is over, and why, where its connection failed. */
  over(member: Member, failed?: Failed): void;
}

/**
 * What one member of a room is written, from its join on: `WELCOME`, the log by its cursor, a `PONG` for a `PING` and a
 * `PING` where it is quiet, and once it is dismissed the rest of the log and `BYE`. Whatever ends it closes the
 * connection. One object, since each line passes all of a room's: as operators it took 9 KiB for each member.
 */
export class Delivery extends Follower {
  readonly #member: Member;
  readonly #cursor: Cursor;
  readonly #deliverer: Deliverer;
  /** A PING or PONG waits for its turn like a slice does, and one stands for several: pinging without reading piles up nothing. */
  #due: Set<'ping' | 'pong'> | undefined;
  /** The log grows no more. */
  #isFull = false;
  #isDismissed = false;
  #isOver = false;

  constructor({ member, cursor }: Seated, deliverer: Deliverer) {
    super(member.connection);
    this.#member = member;
    this.#cursor = cursor;
    this.#deliverer = deliverer;
  }

  begin(welcome: Seated['welcome']): void {
    if (this.tell(welcomeLine(welcome))) this.catchUp();
  }

  /** Writes a line by itself; whether that could be done. */
  tell(line: string): boolean {
    try {
      this.#member.connection.write(encodeLine(line));
    } catch (error) {
      this.failed(error);
    }
    return !this.#isOver;
  }

  /** It is asked or answered in its turn. */
  beat(type: 'ping' | 'pong'): void {
    this.#due ??= new Set();
    this.#due.add(type);
    this.catchUp();
  }

  /** Nothing more happens in the room: it gets the rest, and is seen off. */
  dismiss(): void {
    this.#isDismissed = true;
    this.stood();
  }

  /** The log grows no more. */
  fill(): void {
    this.#isFull = true;
    this.stood();
  }

  /** Ends it at once. */
  stop(failed?: Failed): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.rest();
    this.#member.connection.close();
    this.#deliverer.over(this.#member, failed);
  }

  read(): ReturnType<Cursor['read']> {
    if (this.#isOver) return undefined;
    if (this.#due !== undefined)
      for (const type of this.#due) {
        this.#due.delete(type);
        return encodeLine(controlLine({ type, n: this.#cursor.position - 1 }));
      }
    return this.#cursor.read();
  }

  stood(): void {
    if (!this.#isDismissed || !this.#isFull || this.#isOver || this.isCatchingUp) return;
    if (this.tell(controlLine({ type: 'bye', reason: 'shutdown', retryMs: this.#deliverer.retryMs })))
      this.stop();
  }

  failed(error: unknown): void {
    this.stop({ type: 'failed', member: this.#member, reason: String(error) });
  }
}
