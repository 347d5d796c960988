import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from '../endings.js';
import { type Pipe, pipe, type Weather } from './pipe.js';

/** From client to relay, or back. */
export type Way = 'up' | 'down';

/** What can be done to one link, and to all of them that there are. Without a way: to both. */
export interface Faults {
  /** Holds the bytes; the sockets stay open. */
  freeze(way?: Way): void;
  /** Lets go of them. */
  thaw(way?: Way): void;
  /** The link is dead from now on and nobody is told: nothing passes, no end of it either. */
  halfOpen(): void;
  /** Both sides are told that the link is gone, by a RST. */
  reset(): void;
  /** The same in the middle of the next line that comes that way. */
  cutMidLine(way?: Way): void;
}

/** A way to a relay that can be made a bad one. What is set here holds for the links to come, too; `halfOpen` does not. */
export interface FaultProxy extends Faults {
  readonly port: number;
  /** The links that there are, oldest first. */
  readonly links: readonly Faults[];
  /** Resolves once there have been so many. */
  linked(count: number): Promise<void>;
  /** How many there ever were. */
  readonly count: number;
  oneByteAtATime(on: boolean): void;
  /** Cuts in two what comes at once. */
  ragged(on: boolean): void;
  latency(ms: number): void;
  bandwidth(bytesPerSecond: number): void;
  /** Who comes from now on finds nobody listening. */
  refuse(): Promise<void>;
  /** Listens again. */
  accept(): Promise<void>;
}

interface Settings {
  frozen: boolean;
  cutting: boolean;
}

interface Link extends Faults {
  readonly look: () => void;
}

const WAYS = ['up', 'down'] as const;
const HOST = '127.0.0.1';

const settings = (): Record<Way, Settings> => ({
  up: { frozen: false, cutting: false },
  down: { frozen: false, cutting: false },
});
const set = (of: Record<Way, Settings>, key: keyof Settings, to: boolean, way?: Way) => {
  for (const each of WAYS) if (way === undefined || way === each) of[each][key] = to;
};

/**
 * Ends a socket with RST where that is possible. One that is shutting down is not to be reset: in Node 20 its handle is then
 * never closed, and the process can never end.
 */
const resetSocket = (socket: Socket): void => {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};

/** Starts a proxy in front of a relay's port, whether anybody listens there yet or not; it ends with the test. */
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
    const weather = (way: Way) => (): Weather => ({
      ...line,
      dead,
      frozen: all[way].frozen || own[way].frozen,
      cutting: all[way].cutting || own[way].cutting,
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
      for (const each of pipes) each.look();
    };
    const link: Link = {
      look,
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
    atEnd(() => {
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
  atEnd(() => server.close());

  const each = (action: (link: Link) => void) => {
    for (const link of [...links]) action(link);
  };
  const look = () => each((link) => link.look());
  return {
    port,
    get links() {
      return [...links];
    },
    get count() {
      return count;
    },
    linked: (wanted) =>
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
    // Links that there are go on.
    refuse: () =>
      new Promise((resolve) => {
        server.close();
        setImmediate(resolve);
      }),
    accept: () => listen(port),
  };
};
