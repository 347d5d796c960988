import { asapScheduler, Observable, type SchedulerLike, Subject, type Subscriber } from 'rxjs';
import type { Connection } from './connection.js';

export interface MemoryOptions {
  /** How many bytes one way holds before `write` answers `false`. */
  readonly highWaterMark?: number;
  /** Hands the bytes over, so that nothing is heard within the call that wrote it. */
  readonly scheduler?: SchedulerLike;
}

const NO_BINDING = new Uint8Array(0);

/**
 * The two ends of a connection in memory, the same contract as a socket's: for tests, and for a relay and clients
 * within one program.
 *
 * @example
 * import { encodeText, memoryPair } from 'rxchat/streams';
 *
 * const [near, far] = memoryPair();
 * far.chunk$.subscribe({ next: (chunk) => console.log(chunk.length), error: console.error });
 * near.write(encodeText('hello\n')); // 6
 */
export const memoryPair = ({ highWaterMark = 65_536, scheduler = asapScheduler }: MemoryOptions = {}): [
  Connection,
  Connection,
] => {
  const there = way(highWaterMark, scheduler);
  const back = way(highWaterMark, scheduler);
  return [end('memory', back, there), end('memory', there, back)];
};

type Way = ReturnType<typeof way>;

const end = (peer: string, incoming: Way, outgoing: Way): Connection => ({
  peer,
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

/** Bytes one way. */
const way = (highWaterMark: number, scheduler: SchedulerLike) => {
  const queue: Uint8Array[] = [];
  const writable = new Subject<void>();
  let reader: Subscriber<Uint8Array> | undefined;
  let held = 0;
  let pushedBack = false;
  let paused = false;
  let ended = false;
  let discarded = false;
  let due = false;

  const handOver = () => {
    due = false;
    while (reader !== undefined && !paused && queue.length > 0) {
      const chunk = queue.shift() as Uint8Array;
      held -= chunk.length;
      reader.next(chunk);
    }
    if (ended && queue.length === 0 && !paused) reader?.complete();
    if (pushedBack && queue.length === 0) {
      pushedBack = false;
      writable.next();
    }
  };

  const soon = () => {
    if (due) return;
    due = true;
    scheduler.schedule(handOver);
  };

  return {
    writable$: writable.asObservable(),
    chunk$: new Observable<Uint8Array>((subscriber) => {
      if (discarded) {
        subscriber.complete();
        return;
      }
      reader = subscriber;
      soon();
      return () => {
        reader = undefined;
      };
    }),
    write: (bytes: Uint8Array): boolean => {
      if (ended || discarded) return true;
      queue.push(bytes);
      held += bytes.length;
      // Never taken back here: who was told to wait is still waiting.
      pushedBack ||= held >= highWaterMark;
      soon();
      return !pushedBack;
    },
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      soon();
    },
    /** No more is written. */
    end: () => {
      ended = true;
      soon();
    },
    /** No more is read. */
    discard: () => {
      discarded = true;
      queue.length = 0;
      reader?.complete();
      // Whoever waits to write waits for nobody.
      soon();
    },
  };
};
