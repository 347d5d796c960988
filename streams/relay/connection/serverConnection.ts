import { asyncScheduler, type Observer, type Subscriber, Subscription } from 'rxjs';
import { schedulerTime } from '../../rx/tokenBucket.js';
import { encodeLine, toBase64url } from '../../wire/encoding.js';
import type { Connection } from '../../wire/connection.js';
import { closeWith, type Control, errorControl } from '../../wire/control.js';
import { ConnectionError, ProtocolError } from '../../wire/errors.js';
import { type Feature, formatGreeting, type Verify } from '../../wire/handshake.js';
import { SilenceCounter, silenceError } from '../../wire/heartbeat.js';
import { LineSplitter } from '../../wire/lines.js';
import type { AddressBuckets } from './addressRate.js';
import type { ConnectionRejected } from './connectionLimits.js';
import type { ConnectionChange, ConnectionTicker, TickedConnection } from './connectionTicker.js';
import type { InspectConnection } from './inspectConnection.js';
import type { JoinPolicy } from './joinPolicy.js';
import { commandsOf, type Member, type MemberCommand, parseJoin } from './parseCommands.js';
import { rateLimiter, type RateLimits, SharedReadControl } from './rateLimit.js';

/** Settings that all connections of a relay share, defaults included. */
export interface ConnectionSettings extends RateLimits {
  readonly nonce: () => Uint8Array;
  readonly verify: Verify;
  readonly features?: readonly Feature[];
  readonly joinPolicy?: JoinPolicy;
  readonly maxLineBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly addressBytes: AddressBuckets;
  /** Sent to a client that has not joined when the relay stops. */
  readonly shutdown: Control;
  readonly ticker: ConnectionTicker;
}

/** Maximum length of the handshake answer in bytes, to bound memory before authentication. */
const MAX_HELLO_BYTES = 4096;

/**
 * Server side of one connection: splits lines, runs the handshake, limits the rate and emits commands.
 *
 * One object on purpose: as a chain of operators it was 8 subscribers and 12 KiB of heap per idle member (ADR 0029).
 */
export class ServerConnection implements Observer<Uint8Array>, TickedConnection {
  readonly #connection: Connection;
  readonly #settings: ConnectionSettings;
  readonly #subscriber: Subscriber<MemberCommand | ConnectionRejected>;
  readonly #readControl: SharedReadControl;
  readonly #splitter: LineSplitter;
  #rateLimiter: ReturnType<typeof rateLimiter>;
  readonly #silence = new SilenceCounter();
  readonly #openedAt = schedulerTime();
  #receivedBytes = 0;
  #reading = Subscription.EMPTY;
  #handshakeTimer = Subscription.EMPTY;
  #nonce = '';
  #member: Member | undefined;
  /** Sent when the connection is closed before its client became a member. */
  #closingControl: Control | undefined;

  constructor(
    connection: Connection,
    settings: ConnectionSettings,
    subscriber: Subscriber<MemberCommand | ConnectionRejected>,
  ) {
    this.#connection = connection;
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#readControl = new SharedReadControl(connection);
    const { maxLineBytes, addressBytes } = settings;
    this.#splitter = new LineSplitter({ maxLineBytes, maxFirstLineBytes: MAX_HELLO_BYTES });
    this.#rateLimiter = rateLimiter(this.#readControl, settings, addressBytes.limiterOf(connection.peer));
    this.#closingControl = settings.shutdown;
  }

  /** Sends the greeting and starts reading. */
  open(): void {
    this.#settings.ticker.add(this);
    // The relay may have stopped already.
    if (this.#isClosed()) return;
    const { handshakeTimeoutMs, nonce, features } = this.#settings;
    try {
      this.#nonce = toBase64url(nonce());
      this.#connection.write(encodeLine(formatGreeting(this.#nonce, features)));
    } catch (error) {
      this.error(error);
      return;
    }
    this.#startHandshakeTimer(handshakeTimeoutMs);
    this.#reading = this.#connection.chunk$.subscribe(this);
    // A connection that emits synchronously may have ended already.
    if (this.#isClosed()) this.#reading.unsubscribe();
  }

  stop(): void {
    this.#subscriber.complete();
  }

  tick(): void {
    const due = this.#silence.tick(this.#readControl.isPaused);
    if (due === 'lost') this.error(silenceError());
    // While reading is paused, a PING shows the client that the relay is alive.
    else if (due !== undefined && this.#member !== undefined)
      this.#subscriber.next({ type: 'idle', member: this.#member });
  }

  inspect(inspect: InspectConnection): void {
    const { peer } = this.#connection;
    const [openedAt, receivedBytes, member] = [this.#openedAt, this.#receivedBytes, this.#member];
    const error = inspect({ peer, openedAt, receivedBytes, member });
    if (error !== undefined) this.error(error);
  }

  change({ addressBytes, handshakeTimeoutMs, ...rates }: ConnectionChange): void {
    this.#rateLimiter.dispose();
    this.#rateLimiter = rateLimiter(this.#readControl, rates, addressBytes.limiterOf(this.#connection.peer));
    if (this.#member === undefined) this.#startHandshakeTimer(handshakeTimeoutMs);
  }

  next(chunk: Uint8Array): void {
    this.#silence.reset();
    this.#receivedBytes += chunk.length;
    try {
      for (const lines of this.#splitter.split(chunk)) {
        this.#rateLimiter.consume(lines);
        for (const command of commandsOf(lines, this.#member, (line) => this.#join(line)))
          if (!this.#emit(command)) return;
        this.#rateLimiter.pauseIfOver();
      }
    } catch (error) {
      this.error(error);
    }
  }

  complete(): void {
    this.#leave('the connection ended');
  }

  /** Ends the connection because of an error of the transport, the client or the relay. */
  error(error: unknown): void {
    if (error instanceof ConnectionError) {
      this.#leave(error.message);
      return;
    }
    const isKnown = error instanceof ProtocolError;
    const sent = isKnown ? error : new ProtocolError('internal', 'the relay failed; try again');
    this.#closingControl = errorControl(sent);
    this.#leave(isKnown ? sent.code : String(error), { code: sent.code, message: sent.message });
  }

  /** Releases everything when the output ends. Closes the connection unless a room does. */
  close(): void {
    this.#settings.ticker.remove(this);
    this.#handshakeTimer.unsubscribe();
    this.#reading.unsubscribe();
    this.#rateLimiter.dispose();
    if (this.#member === undefined) closeWith(this.#connection, this.#closingControl);
  }

  #startHandshakeTimer(timeoutMs: number): void {
    this.#handshakeTimer.unsubscribe();
    if (timeoutMs === Infinity) return;
    this.#handshakeTimer = asyncScheduler.schedule(() => {
      this.error(new ProtocolError('timeout', `no answer to NICK in ${timeoutMs} ms`));
    }, timeoutMs);
  }

  #isClosed(): boolean {
    return this.#subscriber.closed;
  }

  #join(line: Uint8Array): Member {
    const { verify, joinPolicy } = this.#settings;
    const [connection, readControl, nonce] = [this.#connection, this.#readControl, this.#nonce];
    return parseJoin(line, { connection, readControl, nonce, verify, joinPolicy });
  }

  /** Emits a command, and returns whether the connection goes on. */
  #emit(command: MemberCommand): boolean {
    if (command.type === 'join') {
      this.#member = command.member;
      this.#handshakeTimer.unsubscribe();
      this.#handshakeTimer = Subscription.EMPTY;
      this.#nonce = '';
    }
    this.#subscriber.next(command);
    if (command.type === 'leave') this.#subscriber.complete();
    return !this.#subscriber.closed;
  }

  #leave(reason: string, error?: Pick<ProtocolError, 'code' | 'message'>): void {
    const member = this.#member;
    // A client that left by itself gets no closing line.
    if (error === undefined) this.#closingControl = undefined;
    this.#subscriber.next(
      member === undefined
        ? { type: 'rejected', peer: this.#connection.peer, code: error?.code ?? 'closed', reason }
        : { type: 'leave', member, reason, ...(error && { error }) },
    );
    this.#subscriber.complete();
  }
}
