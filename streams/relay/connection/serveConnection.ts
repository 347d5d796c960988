import {
  asyncScheduler,
  EMPTY,
  interval,
  Observable,
  type Observer,
  type Subscriber,
  Subscription,
} from 'rxjs';
import { encodeLine, toBase64url } from '../../wire/encoding.js';
import type { Connection } from '../../wire/connection.js';
import { closeWith, type Control, errorControl } from '../../wire/control.js';
import { ConnectionError, ProtocolError } from '../../wire/errors.js';
import { formatGreeting, type Verify } from '../../wire/handshake.js';
import { SilenceCounter, silenceError, TICKS_PER_HEARTBEAT } from '../../wire/heartbeat.js';
import { LineSplitter, MAX_LINE_BYTES } from '../../wire/lines.js';
import { type AddressBuckets, addressBuckets, type AddressRate } from './addressRate.js';
import type { ConnectionRejected } from './connectionLimits.js';
import { ConnectionTicker, type TickedConnection } from './connectionTicker.js';
import type { JoinPolicy } from './joinPolicy.js';
import { commandsOf, type Member, type MemberCommand, parseJoin } from './parseCommands.js';
import { rateLimiter, type RateLimits, SharedReadControl } from './rateLimit.js';

export interface ServeConnectionOptions extends RateLimits {
  /** Creates a nonce: 32 random bytes. */
  readonly nonce: () => Uint8Array;
  readonly verify: Verify;
  /** Throws to reject a join before its proof is verified. */
  readonly joinPolicy?: JoinPolicy;
  /** Bytes of lines that all connections of an address may send together; above it none of them is read for a while. */
  readonly byteRatePerAddress?: AddressRate | undefined;
  /** Maximum length of a line in bytes; 64 KiB. */
  readonly maxLineBytes?: number;
  /** Time in ms for the answer to `NICK`; 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Heartbeat interval in ms: a `PING` after one interval of silence, the end after two. 15 s. */
  readonly heartbeatMs?: number;
  /** Time in ms after which a client should retry when the relay stops; 1 s. */
  readonly retryMs?: number;
  /** When it emits, nothing more is read: rooms close their members, and other connections are closed here. */
  readonly stop$?: Observable<unknown>;
}

/** Settings that all connections of a relay share, defaults included. */
interface ConnectionSettings
  extends
    Pick<ServeConnectionOptions, 'nonce' | 'verify' | 'joinPolicy' | keyof RateLimits>,
    Required<Pick<ServeConnectionOptions, 'maxLineBytes' | 'handshakeTimeoutMs' | 'heartbeatMs'>> {
  readonly addressBytes: AddressBuckets;
  /** Sent to a client that has not joined when the relay stops. */
  readonly shutdown: Control;
  readonly ticker: ConnectionTicker;
}

type Output = MemberCommand | ConnectionRejected;

/** Maximum length of the handshake answer in bytes, to bound memory before authentication. */
const MAX_HELLO_BYTES = 4096;

/**
 * Serves one connection: runs the handshake and emits the commands of its member.
 *
 * It sends `NICK`, parses the answer and verifies the proof. It never errors. A protocol error, an invalid proof, a
 * timeout, a broken connection or two heartbeats of silence end only this connection. The result is the `leave` of
 * the member, whose `error` its room sends. Before the join it is `rejected`, after an `ERR` if that can be sent.
 * Completes with the connection, or when `stop$` emits. Connections that did not become members are closed here, also
 * when unsubscribed. A room closes its members itself, since it can have something left to deliver.
 *
 * The state in the returned function is shared on purpose: one timer ticks for all, twice per heartbeat.
 *
 * ```text
 * written   "NICK rxchat/1 nonce=…\n"
 * chunk     ----"NICK alice room=… proof=…\n"--"gAAAA…\n"--#
 *               serveConnection(options)
 * command   ----join---------------------------tokens------(leave|)
 * ```
 *
 * @example
 * import { mergeMap, type Observable } from 'rxjs';
 * import type { Connection, ServeConnectionOptions } from 'rxchat/streams';
 * import { serveConnection } from './serveConnection.js';
 *
 * const commands = (connection$: Observable<Connection>, options: ServeConnectionOptions) =>
 *   connection$.pipe(mergeMap(serveConnection(options)));
 */
export const serveConnection = ({
  maxLineBytes = MAX_LINE_BYTES,
  handshakeTimeoutMs = 10_000,
  heartbeatMs = 15_000,
  retryMs = 1000,
  stop$ = EMPTY,
  byteRatePerAddress,
  ...options
}: ServeConnectionOptions): ((connection: Connection) => Observable<Output>) => {
  const addressBytes = addressBuckets(byteRatePerAddress);
  const ticker = new ConnectionTicker({ stop$, tick$: interval(heartbeatMs / TICKS_PER_HEARTBEAT) });
  const shutdown = { type: 'bye', reason: 'shutdown', retryMs } as const;
  const limits = { maxLineBytes, handshakeTimeoutMs, heartbeatMs };
  const settings = { ...options, ...limits, addressBytes, shutdown, ticker };

  return (connection) =>
    new Observable((subscriber) => {
      const server = new ServerConnection(connection, settings, subscriber);
      subscriber.add(() => {
        server.close();
      });
      server.open();
    });
};

/**
 * Server side of one connection: splits lines, runs the handshake, limits the rate and emits commands.
 *
 * One object on purpose: as a chain of operators it was 8 subscribers and 12 KiB of heap per idle member (ADR 0029).
 */
class ServerConnection implements Observer<Uint8Array>, TickedConnection {
  readonly #connection: Connection;
  readonly #settings: ConnectionSettings;
  readonly #subscriber: Subscriber<Output>;
  readonly #readControl: SharedReadControl;
  readonly #splitter: LineSplitter;
  readonly #rateLimiter: ReturnType<typeof rateLimiter>;
  readonly #silence = new SilenceCounter();
  #reading = Subscription.EMPTY;
  #handshakeTimer = Subscription.EMPTY;
  #nonce = '';
  #member: Member | undefined;
  /** Sent when the connection is closed before its client became a member. */
  #closingControl: Control | undefined;

  constructor(connection: Connection, settings: ConnectionSettings, subscriber: Subscriber<Output>) {
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
    const { handshakeTimeoutMs, nonce } = this.#settings;
    try {
      this.#nonce = toBase64url(nonce());
      this.#connection.write(encodeLine(formatGreeting(this.#nonce)));
    } catch (error) {
      this.error(error);
      return;
    }
    if (handshakeTimeoutMs < Infinity)
      this.#handshakeTimer = asyncScheduler.schedule(() => {
        this.error(new ProtocolError('timeout', `no answer to NICK in ${handshakeTimeoutMs} ms`));
      }, handshakeTimeoutMs);
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

  next(chunk: Uint8Array): void {
    this.#silence.reset();
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
