import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onCleanup } from '../cleanup.js';
import { type Pipe, pipe, type LinkConditions } from './pipe.js';

/** `up` is from client to relay, `down` from relay to client. */
export type Direction = 'up' | 'down';

/** Faults of one link, or of all present links. Without a direction they affect both. */
export interface Faults {
  /** Holds the bytes back; the sockets stay open. */
  freeze(way?: Direction): void;
  /** Releases the bytes. */
  thaw(way?: Direction): void;
  /** From now on nothing passes, not even the end of the connection, and neither side gets an error. */
  halfOpen(): void;
  /** Resets both sides with a RST. */
  reset(): void;
  /** Resets both sides in the middle of the next line in that direction. */
  cutMidLine(way?: Direction): void;
}

/** A proxy to a relay with faults. Settings apply to later links too, except `halfOpen`. */
export interface FaultProxy extends Faults {
  readonly port: number;
  /** The present links, oldest first. */
  readonly links: readonly Faults[];
  /** Resolves once there have been that many links. */
  waitForLinks(count: number): Promise<void>;
  /** Number of links so far. */
  readonly count: number;
  oneByteAtATime(on: boolean): void;
  /** Splits each chunk in two. */
  ragged(on: boolean): void;
  latency(ms: number): void;
  bandwidth(bytesPerSecond: number): void;
  /** From now on, connections are refused. */
  stopListening(): Promise<void>;
  /** Listens again. */
  startListening(): Promise<void>;
}

interface Settings {
  frozen: boolean;
  cutting: boolean;
}

interface Link extends Faults {
  readonly update: () => void;
}

const DIRECTIONS = ['up', 'down'] as const;
const HOST = '127.0.0.1';

const settings = (): Record<Direction, Settings> => ({
  up: { frozen: false, cutting: false },
  down: { frozen: false, cutting: false },
});
const set = (of: Record<Direction, Settings>, key: keyof Settings, to: boolean, way?: Direction) => {
  for (const each of DIRECTIONS) if (way === undefined || way === each) of[each][key] = to;
};

/**
 * Resets a socket with a RST if possible. In Node 20, the handle of a socket that is shutting down would never close
 * after a reset, and the process could never exit.
 */
const resetSocket = (socket: Socket): void => {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};

/** Starts a proxy in front of a relay's port, whether the relay listens yet or not. It ends with the test. */
export const startFaultProxy = async (relayPort: number): Promise<FaultProxy> => {
  const links = new Set<Link>();
  const waiting = new Set<() => void>();
  const all = settings();
  const line = { oneByte: false, ragged: false, latency: 0, bandwidth: Infinity };
  let count = 0;

  const joined = (client: Socket): Link => {
    const relay = connect({ port: relayPort, host: HOST, noDelay: true, allowHalfOpen: true });
    const own = settings();
    let dead = false;
    const weather = (way: Direction) => (): LinkConditions => ({
      ...line,
      isDead: dead,
      isFrozen: all[way].frozen || own[way].frozen,
      cutsMidLine: all[way].cutting || own[way].cutting,
    });
    const reset = () => {
      if (dead) return;
      for (const socket of [client, relay]) resetSocket(socket);
    };
    const pipes: readonly Pipe[] = [
      pipe(client, relay, weather('up'), reset),
      pipe(relay, client, weather('down'), reset),
    ];
    const look = () => {
      for (const each of pipes) each.update();
    };
    const link: Link = {
      update: look,
      reset,
      freeze: (way) => set(own, 'frozen', true, way),
      thaw: (way) => {
        set(own, 'frozen', false, way);
        look();
      },
      halfOpen: () => {
        dead = true;
        look();
      },
      cutMidLine: (way) => set(own, 'cutting', true, way),
    };
    const closed = () => {
      if (!client.destroyed || !relay.destroyed) return;
      links.delete(link);
      for (const each of pipes) each.stop();
    };
    client.on('close', closed);
    relay.on('close', closed);
    onCleanup(() => {
      dead = false;
      reset();
    });
    return link;
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    count += 1;
    links.add(joined(client));
    for (const look of waiting) look();
  });
  const listen = async (port: number) => {
    server.listen(port, HOST);
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  onCleanup(() => server.close());

  const each = (action: (link: Link) => void) => {
    for (const link of [...links]) action(link);
  };
  const look = () => each((link) => link.update());
  return {
    port,
    get links() {
      return [...links];
    },
    get count() {
      return count;
    },
    waitForLinks: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (count < wanted) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    freeze: (way) => set(all, 'frozen', true, way),
    thaw: (way) => {
      set(all, 'frozen', false, way);
      each((link) => link.thaw(way));
    },
    halfOpen: () => each((link) => link.halfOpen()),
    reset: () => each((link) => link.reset()),
    cutMidLine: (way) => each((link) => link.cutMidLine(way)),
    oneByteAtATime: (on) => {
      line.oneByte = on;
      look();
    },
    ragged: (on) => {
      line.ragged = on;
    },
    latency: (ms) => {
      line.latency = ms;
    },
    bandwidth: (bytesPerSecond) => {
      line.bandwidth = bytesPerSecond;
    },
    // Present links continue.
    stopListening: () =>
      new Promise((resolve) => {
        server.close();
        setImmediate(resolve);
      }),
    startListening: () => listen(port),
  };
};
