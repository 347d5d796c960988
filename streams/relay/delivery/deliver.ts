import { Observable, Subscription } from 'rxjs';
import { closeWith, formatControl } from '../../wire/control.js';
import { formatWelcome } from '../../wire/handshake.js';
import { encodeLine } from '../../wire/encoding.js';
import type { Member } from '../connection/parseCommands.js';
import type { CommittedEvent } from '../log/commitQueue.js';
import type { JoinedMember } from '../log/completeJoin.js';
import type { Cursor } from '../log/cursor.js';
import { type Delivery, type DeliveryCounter, deliveryCounter } from './deliveryCounter.js';
import { LogWriter, type LogWriterOwner } from './fanOut.js';

export interface DeliverOptions {
  /** Emits when the log has grown. */
  readonly grown$: Observable<unknown>;
  /** Time in ms after which clients should retry when the relay stops. */
  readonly retryMs: number;
  /** Counts the members of all rooms, and what they are sent. */
  readonly deliveries?: DeliveryCounter | undefined;
}

/** The sink of a member failed: its connection is closed, and it disconnects. */
export interface MemberFailed {
  readonly type: 'failed';
  readonly member: Member;
  readonly reason: string;
}

/**
 * Delivers the events of a room to its members, from the join of each member until it disconnects.
 *
 * A member gets `WELCOME`, the log from its cursor, `PONG` for `PING`, and `PING` when idle. When the events complete, it
 * gets the rest of the log and `BYE`. Refused members get `ERR`. Emits only failures. Closes every connection that it served,
 * also when unsubscribed. Completes when the events have completed and every member has everything.
 *
 * Each event is passed to its member by one look-up, so a member costs nothing while others send, except for writing the log.
 * There is one subscription to `grown$`, while there are members.
 *
 * ```text
 * event    joined a--refused b--tokens a--disconnected a
 * to a     WELCOME--------------gAAAA…----(closed)
 * to b     ----------ERR (closed)
 * ```
 */
export const deliver =
  ({ grown$, retryMs, deliveries = deliveryCounter() }: DeliverOptions) =>
  (event$: Observable<CommittedEvent>): Observable<MemberFailed> =>
    new Observable((subscriber) => {
      const writers = new Map<Member, MemberWriter>();
      let isComplete = false;
      let growth = Subscription.EMPTY;

      const writerOptions: MemberWriterOptions = {
        retryMs,
        onClosed: (member, failed) => {
          const writer = writers.get(member);
          if (writer !== undefined) deliveries.remove(writer);
          writers.delete(member);
          if (writers.size === 0) growth.unsubscribe();
          if (failed !== undefined) subscriber.next(failed);
          if (isComplete && writers.size === 0) subscriber.complete();
        },
      };

      /** One subscription for all members: with one each, every line passed two more objects per member. */
      const followGrowth = (): void => {
        if (!growth.closed || writers.size === 0) return;
        growth = grown$.subscribe({
          next: () => {
            for (const writer of writers.values()) writer.catchUp();
          },
          error: (error: unknown) => {
            for (const writer of writers.values()) writer.onError(error);
          },
          complete: () => {
            for (const writer of writers.values()) writer.onLogEnd();
          },
        });
        subscriber.add(growth);
      };

      const refuse = (member: Member, code: string, text: string): void => {
        const writer = writers.get(member);
        if (writer !== undefined) {
          if (writer.writeLine(formatControl({ type: 'err', code, text }))) writer.close();
          return;
        }
        const reason = closeWith(member.connection, { type: 'err', code, text });
        if (reason !== undefined) subscriber.next({ type: 'failed', member, reason });
      };

      const serve = (event: CommittedEvent): void => {
        switch (event.type) {
          case 'joined': {
            const writer = new MemberWriter(event, writerOptions);
            writers.set(event.member, writer);
            deliveries.add(writer);
            writer.start(event.welcome);
            followGrowth();
            return;
          }
          case 'pinged':
            writers.get(event.member)?.queueControl('pong');
            return;
          case 'idle':
            writers.get(event.member)?.queueControl('ping');
            return;
          case 'refused':
            refuse(event.member, event.code, event.text);
            return;
          case 'disconnected':
            if (event.error === undefined) writers.get(event.member)?.close();
            else refuse(event.member, event.error.code, event.error.message);
            return;
          default:
        }
      };

      subscriber.add(() => {
        for (const writer of writers.values()) writer.close();
      });
      subscriber.add(
        event$.subscribe({
          next: serve,
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            isComplete = true;
            if (writers.size === 0) subscriber.complete();
            for (const writer of writers.values()) writer.finish();
          },
        }),
      );
    });

interface MemberWriterOptions {
  readonly retryMs: number;
  /** Called when the writer has closed its connection, with the failure if there was one. */
  onClosed(member: Member, failed?: MemberFailed): void;
}

/**
 * Writes everything one member receives: `WELCOME`, the log, `PING`/`PONG`, the final `BYE`. Always closes the connection
 * when done.
 *
 * One object on purpose, since each line of a room passes all of them: as operators it took 9 KiB per member (ADR 0029).
 */
class MemberWriter implements LogWriterOwner, Delivery {
  readonly #member: Member;
  readonly #cursor: Cursor;
  readonly #options: MemberWriterOptions;
  readonly #log: LogWriter;
  readonly #start: number;
  /** Controls to be written in turn, like a slice; each at most once, so that pinging without reading queues nothing. */
  #pendingControls: Set<'ping' | 'pong'> | undefined;
  /** The log grows no more. */
  #hasLogEnded = false;
  #isFinishing = false;
  #isClosed = false;

  constructor({ member, cursor }: JoinedMember, options: MemberWriterOptions) {
    this.#member = member;
    this.#cursor = cursor;
    this.#options = options;
    this.#log = new LogWriter(member.connection, this);
    this.#start = cursor.position;
  }

  get sentCount(): number {
    return this.#cursor.position - this.#start - this.skippedCount;
  }

  get skippedCount(): number {
    return this.#cursor.skippedCount;
  }

  get isBlocked(): boolean {
    return this.#log.isWriting;
  }

  start(welcome: JoinedMember['welcome']): void {
    if (this.writeLine(formatWelcome(welcome))) this.catchUp();
  }

  catchUp(): void {
    this.#log.catchUp();
  }

  /** Writes a line by itself, and returns whether the writer is still open. */
  writeLine(line: string): boolean {
    try {
      this.#member.connection.write(encodeLine(line));
    } catch (error) {
      this.onError(error);
    }
    return !this.#isClosed;
  }

  queueControl(type: 'ping' | 'pong'): void {
    this.#pendingControls ??= new Set();
    this.#pendingControls.add(type);
    this.#log.catchUpNow();
  }

  /** The events have completed: writes the rest of the log and `BYE`. */
  finish(): void {
    this.#isFinishing = true;
    this.onCaughtUp();
  }

  onLogEnd(): void {
    this.#hasLogEnded = true;
    this.onCaughtUp();
  }

  /** Stops writing and closes the connection at once. */
  close(failed?: MemberFailed): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#log.stop();
    this.#member.connection.close();
    this.#options.onClosed(this.#member, failed);
  }

  read(): ReturnType<Cursor['read']> {
    if (this.#isClosed) return undefined;
    if (this.#pendingControls !== undefined) {
      const [type] = this.#pendingControls;
      if (type !== undefined) {
        this.#pendingControls.delete(type);
        return encodeLine(formatControl({ type, n: this.#cursor.position - 1 }));
      }
    }
    return this.#cursor.read();
  }

  onCaughtUp(): void {
    if (!this.#isFinishing || !this.#hasLogEnded || this.#isClosed || this.#log.isCatchingUp) return;
    if (this.writeLine(formatControl({ type: 'bye', reason: 'shutdown', retryMs: this.#options.retryMs })))
      this.close();
  }

  onError(error: unknown): void {
    this.close({ type: 'failed', member: this.#member, reason: String(error) });
  }
}
