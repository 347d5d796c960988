import type { Socket } from 'node:net';

/** The present conditions of one direction of a link. */
export interface LinkConditions {
  /** Nothing passes; bytes are held back. */
  readonly isFrozen: boolean;
  /** Nothing passes any more, not even the end; bytes are lost. */
  readonly isDead: boolean;
  /** The next bytes pass up to the middle of a line. Then the link is reset. */
  readonly cutsMidLine: boolean;
  /** Each byte is a separate write. */
  readonly oneByte: boolean;
  /** Each chunk is split in two, at any place. */
  readonly ragged: boolean;
  /** Delay of a byte in ms. */
  readonly latency: number;
  /** Bytes per second, or `Infinity` for no limit. */
  readonly bandwidth: number;
}

/** One direction of a link. */
export interface Pipe {
  /** Applies changed conditions. */
  update(): void;
  /** Ends it. */
  stop(): void;
}

/** Bytes, or the end of the link. */
interface QueueItem {
  readonly due: number;
  readonly what: Buffer | 'end' | 'reset';
}

/** Writes per second of a link with limited bandwidth. */
const WRITES_PER_SECOND = 20;

/** Maximum bytes in transit without latency, so that a slow reader slows down the writer. */
const MAX_IN_FLIGHT_BYTES = 65_536;

/** Forwards bytes from one socket to another under the present conditions. `reset` ends the link in both directions. */
export const pipe = (from: Socket, to: Socket, weather: () => LinkConditions, reset: () => void): Pipe => {
  const queue: QueueItem[] = [];
  let running = true;
  let waiting = 0;
  let cuts = 0;
  let look = (): void => undefined;

  /** Resolves after that many ms, or earlier when the conditions change, if `mayChange` is true. */
  const pause = (ms: number | undefined, mayChange: boolean) =>
    new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      if (!mayChange) return;
      look = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const put = (what: QueueItem['what']) => {
    if (!running || weather().isDead) return;
    queue.push({ due: performance.now() + weather().latency, what });
    waiting += what.length;
    // Links with latency and frozen links accept everything, so that a test can measure how much is in transit.
    if (waiting > MAX_IN_FLIGHT_BYTES && weather().latency === 0 && !weather().isFrozen) from.pause();
    look();
  };

  const pass = async (bytes: Buffer): Promise<void> => {
    const { cutsMidLine, oneByte, ragged, bandwidth } = weather();
    if (cutsMidLine) {
      await write(to, bytes.subarray(0, midLineOffset(bytes)));
      reset();
      return;
    }
    const narrow = Number.isFinite(bandwidth) ? Math.ceil(bandwidth / WRITES_PER_SECOND) : bytes.length;
    const size = oneByte ? 1 : narrow;
    const [chunk, rest] = [bytes.subarray(0, size), bytes.subarray(size)];
    if (rest.length > 0) queue.unshift({ due: 0, what: rest });
    if (ragged) {
      // The cut is in another place each time. The second half is sent after the reader had time to read the first.
      const at = ((cuts += 1) * 7919) % chunk.length;
      await write(to, chunk.subarray(0, at));
      for (let tick = 0; tick < 2; tick += 1) await new Promise(setImmediate);
      await write(to, chunk.subarray(at));
    } else await write(to, chunk);
    waiting -= chunk.length;
    if (waiting <= MAX_IN_FLIGHT_BYTES && from.isPaused()) from.resume();
    if (Number.isFinite(bandwidth)) await pause((1000 * chunk.length) / bandwidth, false);
  };

  const run = async (): Promise<void> => {
    while (running) {
      const { isFrozen, isDead } = weather();
      const [item] = queue;
      const late = (item?.due ?? 0) - performance.now();
      if (isDead) queue.length = 0;
      if (item === undefined || isFrozen || isDead) await pause(undefined, true);
      else if (late > 0) await pause(late, true);
      else {
        queue.shift();
        if (item.what === 'end') to.end();
        else if (item.what === 'reset') reset();
        else await pass(item.what);
      }
    }
  };

  from.on('data', put);
  from.on('end', () => put('end'));
  from.on('error', () => put('reset'));
  void run();
  return {
    update: () => look(),
    stop: () => {
      running = false;
      look();
    },
  };
};

/** Resolves when the system has accepted the bytes, or the socket is closed. */
const write = (to: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (to.destroyed || !to.writable) resolve();
    else to.write(bytes, () => resolve());
  });

const NEWLINE = 10;

/** Returns the number of bytes, about half, that end in the middle of a line. */
const midLineOffset = (bytes: Buffer): number => {
  const half = bytes.length >> 1;
  return bytes[half - 1] === NEWLINE ? half - 1 : half;
};
