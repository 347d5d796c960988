import {
  endWith,
  ignoreElements,
  NEVER,
  Observable,
  ReplaySubject,
  takeUntil,
  asyncScheduler,
  type Subscriber,
} from 'rxjs';
import { type Connection, decodeTextLossy, ConnectionError } from '../../streams/wire/index.js';

export interface FakeConnectionOptions {
  /** Incoming bytes, which `close` completes. */
  readonly chunk$?: Observable<Uint8Array>;
  readonly writable$?: Observable<unknown>;
  /** The result of each write: `y` true, `n` false, `!` throws from then on. Later writes return true. */
  readonly writeResults?: string;
  /** Called within each write. */
  readonly onWrite?: (text: string) => void;
}

export interface FakeConnection extends Connection {
  /**
   * Emits each written line; completes at `close`. Of `WELCOME` it emits only the verb, and of the greeting no
   * features; `writes` has the whole lines.
   */
  readonly line$: Observable<string>;
  /** Emits each call of `pause` and `resume`. */
  readonly flow$: Observable<'pause' | 'resume'>;
  /** The text of each write. */
  readonly writes: readonly string[];
}

/** Creates a connection controlled by hand, for marble tests. */
export const fakeConnection = ({
  chunk$ = NEVER,
  writable$ = NEVER,
  writeResults = '',
  onWrite,
}: FakeConnectionOptions = {}): FakeConnection => {
  const lines = new ReplaySubject<string>(Infinity);
  const flow = new ReplaySubject<'pause' | 'resume'>(Infinity);
  const writes: string[] = [];
  let closed = false;

  return {
    peer: 'fake',
    channelBinding: new Uint8Array(0),
    chunk$: chunk$.pipe(takeUntil(lines.pipe(ignoreElements(), endWith('closed')))),
    writable$,
    line$: lines.asObservable(),
    flow$: flow.asObservable(),
    writes,
    write: (bytes) => {
      if (closed) return true;
      const result = writeResults[writes.length];
      if (result === '!') throw new Error('the sink broke');
      const text = decodeTextLossy(bytes);
      writes.push(text);
      for (const line of text.replace(/\n$/, '').split('\n'))
        lines.next(line.replace(/^WELCOME .*/, 'WELCOME').replace(/^(NICK \S+ nonce=\S+) features=.*/, '$1'));
      onWrite?.(text);
      return result !== 'n';
    },
    pause: () => flow.next('pause'),
    resume: () => flow.next('resume'),
    close: () => {
      closed = true;
      lines.complete();
    },
  };
};

export interface VirtualConnectionOptions {
  /** Latency of bytes in ms. */
  readonly latencyMs: number;
  /** Maximum number of bytes per chunk. */
  readonly chunkBytes?: number;
}

/** Both ends of a connection on virtual time, and its faults. */
export interface VirtualConnection {
  readonly clientEnd: Connection;
  readonly relayEnd: Connection;
  /** Changes the latency in ms. */
  setLatency(latency: number): void;
  /** Holds bytes back in both directions until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Breaks the connection for both ends. Bytes in transit are lost, even in mid-line. */
  reset(): void;
  /** Drops all bytes in both directions without an error. */
  goSilent(): void;
}

const END = Symbol('end');

/** Creates one direction. */
const channel = ({ latencyMs: first, chunkBytes = Infinity }: VirtualConnectionOptions) => {
  let latency = first;
  let dueAt = 0;
  let reader: Subscriber<Uint8Array> | undefined;
  let queue: (Uint8Array | typeof END)[] = [];
  let isFrozen = false;
  let isPaused = false;
  let isLost = false;
  let isBroken = false;
  let isClosed = false;

  const deliver = () => {
    while (!isFrozen && !isPaused && reader !== undefined && queue.length > 0) {
      const next = queue.shift();
      if (next === END) reader.complete();
      else if (next !== undefined)
        for (let at = 0; at < next.length; at += chunkBytes) reader.next(next.slice(at, at + chunkBytes));
    }
  };
  const send = (what: Uint8Array | typeof END) => {
    if (isLost || isClosed) return;
    // Bytes arrive in order, even if the latency decreased.
    const now = asyncScheduler.now();
    dueAt = Math.max(dueAt, now + latency);
    asyncScheduler.schedule(() => {
      if (isLost) return;
      queue.push(what);
      deliver();
    }, dueAt - now);
  };

  return {
    chunk$: new Observable<Uint8Array>((subscriber) => {
      if (isBroken) subscriber.error(new ConnectionError('the connection was reset'));
      reader = subscriber;
      deliver();
      return () => (reader = undefined);
    }),
    // Copied, since the writer may reuse the memory after the relay is gone.
    write: (bytes: Uint8Array) => {
      send(bytes.slice());
      return true;
    },
    end: () => {
      send(END);
      isClosed = true;
    },
    /** The reader closed and receives nothing more. */
    stop: () => {
      isLost = true;
      queue = [];
      reader?.complete();
    },
    pause: () => (isPaused = true),
    resume: () => {
      isPaused = false;
      deliver();
    },
    slow: (ms: number) => (latency = ms),
    freeze: () => (isFrozen = true),
    thaw: () => {
      isFrozen = false;
      deliver();
    },
    vanish: () => (isLost = true),
    reset: () => {
      isLost = isBroken = true;
      reader?.error(new ConnectionError('the connection was reset'));
    },
  };
};

const NO_BINDING = new Uint8Array(0);

/**
 * Creates a connection on virtual time: bytes written at one end arrive at the other after the latency.
 *
 * @example
 * import { encodeText } from 'rxchat/streams';
 * import { virtualConnection } from 'rxchat/testing';
 *
 * const { clientEnd, relayEnd, reset } = virtualConnection({ latencyMs: 20 });
 * relayEnd.chunk$.subscribe({ next: (chunk) => console.log(chunk.length), error: console.error });
 * clientEnd.write(encodeText('hello\n'));
 * setTimeout(reset, 1000);
 */
export const virtualConnection = (quality: VirtualConnectionOptions): VirtualConnection => {
  const toRelay = channel(quality);
  const toClient = channel(quality);
  const end = (peer: string, incoming: typeof toRelay, outgoing: typeof toRelay): Connection => ({
    peer,
    channelBinding: NO_BINDING,
    chunk$: incoming.chunk$,
    writable$: NEVER,
    write: outgoing.write,
    pause: incoming.pause,
    resume: incoming.resume,
    close: () => {
      outgoing.end();
      incoming.stop();
    },
  });
  const both = (act: (each: typeof toRelay) => unknown) => () => {
    act(toRelay);
    act(toClient);
  };
  return {
    clientEnd: end('relay', toClient, toRelay),
    relayEnd: end('client', toRelay, toClient),
    setLatency: (latency) => {
      toRelay.slow(latency);
      toClient.slow(latency);
    },
    freeze: both((each) => each.freeze()),
    thaw: both((each) => each.thaw()),
    goSilent: both((each) => each.vanish()),
    reset: both((each) => each.reset()),
  };
};
