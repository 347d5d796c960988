import { Observable, Subject, type Subscriber, timer } from 'rxjs';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError } from '../../streams/wire/errors.js';

export interface LinkQuality {
  /** How long bytes take, in ms. */
  readonly latency: number;
  /** How many bytes arrive together at most. */
  readonly piece: number;
}

/** Both ends of a connection, and what can go wrong between them. All on virtual time. */
export interface Link {
  readonly near: Connection;
  readonly far: Connection;
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
const way = ({ latency, piece }: LinkQuality) => {
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
      else for (let at = 0; at < next!.length; at += piece) reader.next(next!.slice(at, at + piece));
    }
  };
  const send = (what: Uint8Array | typeof END) => {
    if (lost || closed) return;
    timer(latency).subscribe(() => {
      if (lost) return;
      arrived.push(what);
      deliver();
    });
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

export const virtualLink = (quality: LinkQuality): Link => {
  const there = way(quality);
  const back = way(quality);
  const end = (peer: string, incoming: typeof there, outgoing: typeof there): Connection => ({
    peer,
    channelBinding: NO_BINDING,
    chunk$: incoming.chunk$,
    writable$: new Subject(),
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
    freeze: both((each) => each.freeze()),
    thaw: both((each) => each.thaw()),
    vanish: both((each) => each.vanish()),
    reset: both((each) => each.reset()),
  };
};
