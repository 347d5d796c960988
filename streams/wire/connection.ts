import { asapScheduler, Observable, type SchedulerLike, Subject, type Subscriber } from 'rxjs';

/**
 * A bidirectional byte stream: all that a transport provides to the core.
 *
 * An application can implement it over anything that carries bytes in order. `test/contract/` checks every transport of
 * this package against this description.
 */
export interface Connection {
  /** Address of the other end (`127.0.0.1:50412`): for logs, and for limits per address. */
  readonly peer: string;

  /**
   * Received bytes in chunks of any size. Completes when the peer ends the connection or `close` is called; errors when the
   * connection breaks. Subscribe once: reading starts with the subscription and stops when it is unsubscribed. A chunk is
   * valid only during its emission.
   */
  readonly chunk$: Observable<Uint8Array>;

  /** Emits when the connection accepts bytes again after a `write` that returned `false`; never within that `write`. */
  readonly writable$: Observable<unknown>;

  /**
   * Bytes that bind a proof to this connection (TLS exporter, RFC 9266), the same at both ends. Empty if the transport has
   * no channel binding.
   */
  readonly channelBinding: Uint8Array;

  /**
   * If true, the caller may change written bytes after `write` returned `true`, or after `writable$` emitted. Otherwise
   * written bytes must never change.
   */
  readonly copiesOnWrite?: boolean;

  /**
   * Sends bytes without copying them, so they must not change afterwards (but see `copiesOnWrite`). Returns `false` if some
   * are still buffered: wait for `writable$`. Bytes written before that are buffered too, in order. After `close`, `write`
   * does nothing.
   */
  write(bytes: Uint8Array): boolean;

  /** Stops reading, so that the full buffers of the peer slow it down. */
  pause(): void;

  /** Resumes reading. */
  resume(): void;

  /**
   * Sends what was written, then ends the connection; by force if the peer does not read it in time. May be called more
   * than once. `chunk$` ends within the call.
   */
  close(): void;
}

/** The part of a connection that writing needs. */
export type Sink = Pick<Connection, 'write' | 'writable$'>;

export interface ConnectionPairOptions {
  /** Number of bytes buffered in one direction before `write` returns `false`; 64 KiB. */
  readonly highWaterMark?: number;
  /** Delivers the bytes, so that nothing is received within the call that wrote it; `asapScheduler`. */
  readonly scheduler?: SchedulerLike;
}

const NO_BINDING = new Uint8Array(0);

/**
 * Creates the two ends of an in-memory connection, with the same contract as a socket.
 *
 * For tests, and for a relay and clients within one program.
 *
 * @example
 * import { connectionPair, encodeText } from 'rxchat/streams';
 *
 * const [near, far] = connectionPair();
 * far.chunk$.subscribe({ next: (chunk) => console.log(chunk.length), error: console.error });
 * near.write(encodeText('hello\n')); // 6
 */
export const connectionPair = ({
  highWaterMark = 65_536,
  scheduler = asapScheduler,
}: ConnectionPairOptions = {}): [Connection, Connection] => {
  const there = channel(highWaterMark, scheduler);
  const back = channel(highWaterMark, scheduler);
  return [connectionEnd(back, there), connectionEnd(there, back)];
};

type Channel = ReturnType<typeof channel>;

const connectionEnd = (incoming: Channel, outgoing: Channel): Connection => ({
  peer: 'memory',
  chunk$: incoming.chunk$,
  writable$: outgoing.writable$,
  channelBinding: NO_BINDING,
  write: outgoing.write,
  pause: incoming.pause,
  resume: incoming.resume,
  close: () => {
    outgoing.end();
    incoming.discard();
  },
});

/** Creates one direction of a connection. */
const channel = (highWaterMark: number, scheduler: SchedulerLike) => {
  const queue: Uint8Array[] = [];
  const writable = new Subject<void>();
  let reader: Subscriber<Uint8Array> | undefined;
  let queuedBytes = 0;
  let isPushedBack = false;
  let isPaused = false;
  let hasEnded = false;
  let isDiscarded = false;
  let isScheduled = false;

  const deliver = () => {
    isScheduled = false;
    while (reader !== undefined && !isPaused && queue.length > 0) {
      const chunk = queue.shift() as Uint8Array;
      queuedBytes -= chunk.length;
      reader.next(chunk);
    }
    if (hasEnded && queue.length === 0 && !isPaused) reader?.complete();
    if (isPushedBack && queue.length === 0) {
      isPushedBack = false;
      writable.next();
    }
  };

  const scheduleDelivery = () => {
    if (isScheduled) return;
    isScheduled = true;
    scheduler.schedule(deliver);
  };

  return {
    writable$: writable.asObservable(),
    chunk$: new Observable<Uint8Array>((subscriber) => {
      if (isDiscarded) {
        subscriber.complete();
        return;
      }
      reader = subscriber;
      scheduleDelivery();
      return () => {
        reader = undefined;
      };
    }),
    write: (bytes: Uint8Array): boolean => {
      if (hasEnded || isDiscarded) return true;
      queue.push(bytes);
      queuedBytes += bytes.length;
      // Never reset here: the writer waits for `writable$` since an earlier `false`.
      isPushedBack ||= queuedBytes >= highWaterMark;
      scheduleDelivery();
      return !isPushedBack;
    },
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      scheduleDelivery();
    },
    /** Nothing more is written. */
    end: () => {
      hasEnded = true;
      scheduleDelivery();
    },
    /** Nothing more is read. */
    discard: () => {
      isDiscarded = true;
      queue.length = 0;
      reader?.complete();
      // Releases a writer that waits for `writable$`.
      scheduleDelivery();
    },
  };
};
