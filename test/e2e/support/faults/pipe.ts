import type { Socket } from 'node:net';

/** How one direction of a link behaves at present. */
export interface Weather {
  /** Nothing passes; what comes is held. */
  readonly frozen: boolean;
  /** Nothing passes any more, nor does the end: what comes is gone. */
  readonly dead: boolean;
  /** The next bytes pass as far as into a line, and then the link is reset. */
  readonly cutting: boolean;
  /** Each byte is a write of its own. */
  readonly oneByte: boolean;
  /** What comes at once is cut in two, anywhere. */
  readonly ragged: boolean;
  /** How many ms a byte is on its way. */
  readonly latency: number;
  /** How many bytes pass in a second; `Infinity` as many as come. */
  readonly bandwidth: number;
}

/** One direction of a link. */
export interface Pipe {
  /** Looks again at the weather. */
  look(): void;
  /** Ends it. */
  stop(): void;
}

/** Bytes, or how they ended. */
interface Item {
  readonly due: number;
  readonly what: Buffer | 'end' | 'reset';
}

/** How many writes a second a narrow link makes. */
const WRITES = 20;

/** How many bytes are on their way at most, where they are not late: a reader that is slow is so for the writer too. */
const ON_THE_WAY = 65_536;

/** Hands on what comes from one socket to another, as the weather has it. `reset` ends the link in both directions. */
export const pipe = (from: Socket, to: Socket, weather: () => Weather, reset: () => void): Pipe => {
  const queue: Item[] = [];
  let running = true;
  let waiting = 0;
  let cuts = 0;
  let look = (): void => undefined;

  /** Resolves after so many ms; or as soon as something has changed, where that may be. */
  const pause = (ms: number | undefined, mayChange: boolean) =>
    new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      if (!mayChange) return;
      look = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const put = (what: Item['what']) => {
    if (!running || weather().dead) return;
    queue.push({ due: performance.now() + weather().latency, what });
    waiting += what.length;
    // Late and frozen links take what comes: how much that is, is for those who measure it to say.
    if (waiting > ON_THE_WAY && weather().latency === 0 && !weather().frozen) from.pause();
    look();
  };

  const pass = async (bytes: Buffer): Promise<void> => {
    const { cutting, oneByte, ragged, bandwidth } = weather();
    if (cutting) {
      await write(to, bytes.subarray(0, intoALine(bytes)));
      reset();
      return;
    }
    const narrow = Number.isFinite(bandwidth) ? Math.ceil(bandwidth / WRITES) : bytes.length;
    const size = oneByte ? 1 : narrow;
    const [piece, rest] = [bytes.subarray(0, size), bytes.subarray(size)];
    if (rest.length > 0) queue.unshift({ due: 0, what: rest });
    if (ragged) {
      // Each time elsewhere. The other half goes when what reads has had its turn, or both would be read as one.
      const at = ((cuts += 1) * 7919) % piece.length;
      await write(to, piece.subarray(0, at));
      for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
      await write(to, piece.subarray(at));
    } else await write(to, piece);
    waiting -= piece.length;
    if (waiting <= ON_THE_WAY && from.isPaused()) from.resume();
    if (Number.isFinite(bandwidth)) await pause((1000 * piece.length) / bandwidth, false);
  };

  const run = async (): Promise<void> => {
    while (running) {
      const { frozen, dead } = weather();
      const [item] = queue;
      const late = (item?.due ?? 0) - performance.now();
      if (dead) queue.length = 0;
      if (item === undefined || frozen || dead) await pause(undefined, true);
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
    look: () => look(),
    stop: () => {
      running = false;
      look();
    },
  };
};

/** Resolves when the system has them, or nobody takes them any more. */
const write = (to: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (to.destroyed || !to.writable) resolve();
    else to.write(bytes, () => resolve());
  });

const NEWLINE = 10;

/** How many of these bytes end in the middle of a line; about half of them. */
const intoALine = (bytes: Buffer): number => {
  const half = bytes.length >> 1;
  return bytes[half - 1] === NEWLINE ? half - 1 : half;
};
