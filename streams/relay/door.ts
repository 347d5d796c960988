import { asyncScheduler, type Observer, type Subscriber, Subscription } from 'rxjs';
import { toBase64url } from '../wire/base64url.js';
import type { Connection } from '../wire/connection.js';
import { type Control, controlLine } from '../wire/control.js';
import { BusyError, LinkError, ProtocolError } from '../wire/errors.js';
import { greetingLine } from '../wire/handshake.js';
import { GONE, TICKS } from '../wire/heartbeat.js';
import { LineSplitter } from '../wire/lines.js';
import { encodeLine } from '../wire/utf8.js';
import type { AddressLevels } from './addressRate.js';
import type { AdmissionOptions, TurnedAway } from './admission.js';
import { type Command, eachCommand, type Member, readMember } from './commands.js';
import type { Doors } from './doors.js';
import { SharedFlow } from './flow.js';
import { pacer } from './pace.js';

/** What all doors of a relay go by; the defaults are in. */
export interface DoorRules extends Omit<AdmissionOptions, 'stop$' | 'retryMs' | 'byteRatePerAddress'> {
  readonly lineLimit: number;
  readonly handshakeTimeout: number;
  readonly heartbeat: number;
  /** Bytes that each address has left. */
  readonly addressBytes: AddressLevels;
  /** What a relay that stops says to who is not in yet. */
  readonly shutdown: Control;
}

/** The longest answer to `NICK` in bytes: who is not in yet shall not hold much memory. */
const ANSWER_LIMIT = 4096;

/**
 * One connection's way in: its bytes are split, counted, read and passed on by one subscriber, the state of which is this
 * object. As operators it was eight subscribers with their closures, and 12 KiB of heap for each member that is idle.
 */
export class Door implements Observer<Uint8Array> {
  readonly #connection: Connection;
  readonly #flow: SharedFlow;
  readonly #rules: DoorRules;
  readonly #doors: Doors;
  readonly #out: Subscriber<Command | TurnedAway>;
  readonly #lines: LineSplitter;
  readonly #pace: ReturnType<typeof pacer>;
  #reading = Subscription.EMPTY;
  #waiting = Subscription.EMPTY;
  #nonce = '';
  #member: Member | undefined;
  /** How many ticks in a row nothing has come. */
  #silent = 0;
  /** How many ticks in a row it was not read. */
  #held = 0;
  /** What it is told when it is closed without having become a member. */
  #farewell: Control | undefined;

  constructor(connection: Connection, rules: DoorRules, doors: Doors, out: Subscriber<Command | TurnedAway>) {
    this.#connection = connection;
    this.#flow = new SharedFlow(connection);
    this.#rules = rules;
    this.#doors = doors;
    this.#out = out;
    this.#lines = new LineSplitter({ limit: rules.lineLimit, first: ANSWER_LIMIT });
    this.#pace = pacer(this.#flow, rules, rules.addressBytes.follow(connection.peer));
    this.#farewell = rules.shutdown;
  }

  /** Asks, and reads. */
  open(): void {
    this.#doors.add(this);
    // The relay may have stopped already.
    if (this.#isClosed()) return;
    const { handshakeTimeout, nonce } = this.#rules;
    try {
      this.#nonce = toBase64url(nonce());
      this.#connection.write(encodeLine(greetingLine(this.#nonce)));
    } catch (error) {
      this.#end(error);
      return;
    }
    if (handshakeTimeout < Infinity)
      this.#waiting = asyncScheduler.schedule(() => {
        this.#end(new ProtocolError('timeout', `no answer to NICK in ${handshakeTimeout} ms`));
      }, handshakeTimeout);
    this.#reading = this.#connection.chunk$.subscribe(this);
    // What is at hand at once may have been the end of it.
    if (this.#isClosed()) this.#reading.unsubscribe();
  }

  /** The relay stops. */
  stop(): void {
    this.#out.complete();
  }

  /** Half a heartbeat is over. */
  tick(): void {
    if (this.#flow.isHeld) {
      this.#hold();
      return;
    }
    this.#held = 0;
    this.#silent += 1;
    if (this.#silent === GONE)
      this.#end(new LinkError(`nothing was heard for ${2 * this.#rules.heartbeat} ms`));
    else if (this.#silent === TICKS && this.#member !== undefined)
      this.#out.next({ type: 'quiet', member: this.#member });
  }

  /** Its silence is ours while we do not read it; and it shall not take our silence for an end. */
  #hold(): void {
    this.#silent = 0;
    this.#held += 1;
    if (this.#held % TICKS === 0 && this.#member !== undefined)
      this.#out.next({ type: 'quiet', member: this.#member });
  }

  next(chunk: Uint8Array): void {
    this.#silent = 0;
    try {
      for (const lines of this.#lines.split(chunk)) {
        this.#pace.take(lines);
        for (const command of eachCommand(lines, this.#member, (line) => this.#join(line)))
          if (!this.#pass(command)) return;
        this.#pace.slow();
      }
    } catch (error) {
      this.#end(error);
    }
  }

  error(error: unknown): void {
    this.#end(error);
  }

  complete(): void {
    this.#leave('the connection ended');
  }

  /** Once nothing more comes out. */
  unsubscribe(): void {
    this.#doors.remove(this);
    this.#waiting.unsubscribe();
    this.#reading.unsubscribe();
    this.#pace.stop();
    if (this.#member !== undefined) return;
    if (this.#farewell !== undefined)
      try {
        this.#connection.write(encodeLine(controlLine(this.#farewell)));
      } catch {
        // It goes anyway; that it could not be told is no reason of its own.
      }
    this.#connection.close();
  }

  #isClosed(): boolean {
    return this.#out.closed;
  }

  #join(line: Uint8Array): Member {
    const { verify, entrance } = this.#rules;
    return readMember(line, {
      connection: this.#connection,
      flow: this.#flow,
      nonce: this.#nonce,
      verify,
      ...(entrance && { entrance }),
    });
  }

  /** Whether it goes on. */
  #pass(command: Command): boolean {
    if (command.type === 'join') {
      this.#member = command.member;
      this.#waiting.unsubscribe();
      this.#waiting = Subscription.EMPTY;
      this.#nonce = '';
    }
    this.#out.next(command);
    if (command.type === 'leave') this.#out.complete();
    return !this.#out.closed;
  }

  #end(error: unknown): void {
    if (error instanceof LinkError) {
      this.#leave(error.message);
      return;
    }
    const known = error instanceof ProtocolError;
    const { code, message } = known ? error : new ProtocolError('internal', 'the relay failed; try again');
    this.#farewell =
      error instanceof BusyError
        ? { type: 'bye', reason: code, retryMs: error.retryMs }
        : { type: 'err', code, text: message };
    this.#leave(known ? code : String(error), { code, message });
  }

  #leave(reason: string, fault?: Pick<ProtocolError, 'code' | 'message'>): void {
    const member = this.#member;
    // Who went by itself is told nothing.
    if (fault === undefined) this.#farewell = undefined;
    this.#out.next(
      member === undefined
        ? { type: 'turned-away', peer: this.#connection.peer, reason }
        : { type: 'leave', member, reason, ...(fault && { fault }) },
    );
    this.#out.complete();
  }
}
