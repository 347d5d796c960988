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

/** Hands on what comes from one socket to another, as the weather has it. `reset` ends the link in both directions. */
export const pipe = (from: Socket, to: Socket, weather: () => Weather, reset: () => void): Pipe => {
  const queue: Item[] = [];
  let running = true;
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
    look();
  };

  const pass = async (bytes: Buffer): Promise<void> => {
    const { cutting, oneByte, bandwidth } = weather();
    if (cutting) {
      await write(to, bytes.subarray(0, intoALine(bytes)));
      reset();
      return;
    }
    const size = oneByte ? 1 : Number.isFinite(bandwidth) ? Math.ceil(bandwidth / WRITES) : bytes.length;
    const [piece, rest] = [bytes.subarray(0, size), bytes.subarray(size)];
    if (rest.length > 0) queue.unshift({ due: 0, what: rest });
    await write(to, piece);
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
