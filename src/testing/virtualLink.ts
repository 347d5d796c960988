import { asyncScheduler, NEVER, Observable, type Subscriber } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';

export interface LinkQuality {
  /** How long bytes take, in ms. */
  readonly latency: number;
  /** How many bytes arrive together at most. */
  readonly piece?: number;
}

/** Both ends of a connection, and what can go wrong between them. All on virtual time. */
export interface Link {
  readonly near: Connection;
  readonly far: Connection;
  /** From now on bytes take so long, in ms. */
  slow(latency: number): void;
  /** Bytes are held back, both ways, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Both ends see it break; what is under way is lost, be it in mid-line. */
  reset(): void;
  /** Nothing arrives any more, and neither end is told. */
  vanish(): void;
}

const END = Symbol('end');

/** One direction. */
const way = ({ latency: first, piece = Infinity }: LinkQuality) => {
  let latency = first;
  let due = 0;
  let reader: Subscriber<Uint8Array> | undefined;
  let arrived: (Uint8Array | typeof END)[] = [];
  let frozen = false;
  let paused = false;
  let lost = false;
  let broken = false;
  let closed = false;

  const deliver = () => {
    while (!frozen && !paused && reader !== undefined && arrived.length > 0) {
      const next = arrived.shift();
      if (next === END) reader.complete();
      else if (next !== undefined)
        for (let at = 0; at < next.length; at += piece) reader.next(next.slice(at, at + piece));
    }
  };
  const send = (what: Uint8Array | typeof END) => {
    if (lost || closed) return;
    // Bytes arrive in order, also those that are faster than others before them.
    const now = asyncScheduler.now();
    due = Math.max(due, now + latency);
    asyncScheduler.schedule(() => {
      if (lost) return;
      arrived.push(what);
      deliver();
    }, due - now);
  };

  return {
    chunk$: new Observable<Uint8Array>((subscriber) => {
      if (broken) subscriber.error(new LinkError('the connection was reset'));
      reader = subscriber;
      deliver();
      return () => (reader = undefined);
    }),
    // A copy: what is written may not change, but a relay that is gone could not promise that.
    write: (bytes: Uint8Array) => {
      send(bytes.slice());
      return true;
    },
    end: () => {
      send(END);
      closed = true;
    },
    /** Its reader closed, and hears no more. */
    stop: () => {
      lost = true;
      arrived = [];
      reader?.complete();
    },
    pause: () => (paused = true),
    resume: () => {
      paused = false;
      deliver();
    },
    slow: (ms: number) => (latency = ms),
    freeze: () => (frozen = true),
    thaw: () => {
      frozen = false;
      deliver();
    },
    vanish: () => (lost = true),
    reset: () => {
      lost = broken = true;
      reader?.error(new LinkError('the connection was reset'));
    },
  };
};

const NO_BINDING = new Uint8Array(0);

/**
 * A connection on virtual time: what is written at one end comes out at the other after the latency. Under a
 * `TestScheduler` no real time passes.
 *
 * @example
 * import { encodeText } from 'rxchat/streams';
 * import { virtualLink } from 'rxchat/testing';
 *
 * const { near, far, reset } = virtualLink({ latency: 20 });
 * far.chunk$.subscribe({ next: (chunk) => console.log(chunk.length), error: console.error });
 * near.write(encodeText('hello\n'));
 * setTimeout(reset, 1000);
 */
export const virtualLink = (quality: LinkQuality): Link => {
  const there = way(quality);
  const back = way(quality);
  const end = (peer: string, incoming: typeof there, outgoing: typeof there): Connection => ({
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
  const both = (act: (each: typeof there) => unknown) => () => {
    act(there);
    act(back);
  };
  return {
    near: end('relay', back, there),
    far: end('client', there, back),
    slow: (latency) => {
      there.slow(latency);
      back.slow(latency);
    },
    freeze: both((each) => each.freeze()),
    thaw: both((each) => each.thaw()),
    vanish: both((each) => each.vanish()),
    reset: both((each) => each.reset()),
  };
};
