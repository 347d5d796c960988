/** The rows of the bench: the work and its peers. All peers of a row run in turn, run after run. */
import { mosquitto } from './peers/mosquitto.mjs';
import { naive } from './peers/naive.mjs';
import { jetstream, nats } from './peers/nats.mjs';
import { node } from './peers/node.mjs';
import { ngircd } from './peers/ngircd.mjs';
import { redis, redisStreams } from './peers/redis.mjs';
import { relayInC } from './peers/relayInC.mjs';
import { rxchat, rxchatOnDisk } from './peers/rxchat.mjs';
import { websocket } from './peers/websocket.mjs';

const everyone = [rxchat, relayInC, node, redis, nats, mosquitto, ngircd, websocket, naive];

/** Characters of a line without its newline. The length of a token is a multiple of four. */
const SIZES = { '150 B': 148, '1 KiB': 1020 };
const UNDER_WAY = 64e6;

/**
 * Returns how many lines may be in transit: for all subscribers together less than 64 MB. A server that writes each
 * line separately gets fewer in a large room. Otherwise one window would take longer than the run.
 */
const windowFor = (peer, { subscribers, rooms = 1, size }) => {
  const all = Math.min(256, Math.max(8, Math.floor(UNDER_WAY / (subscribers * rooms * size))));
  const own = Math.min(all, peer.window ?? all);
  return peer.unbatched && subscribers >= 1000 ? Math.max(8, Math.floor(own / 8)) : own;
};

/**
 * Returns the options of the load generator for a peer. Each peer gets time to warm up, because Node compiles hot
 * code, and more time at a fixed rate.
 */
export const optionsFor = (peer, work) => ({
  warmup: work.rate === undefined ? 0.8 : 2,
  seconds: work.rate === undefined ? 1.5 : 3,
  publishers: Math.min(10, work.subscribers),
  ...(work.rate === undefined && work.seconds !== 0 && { window: windowFor(peer, work) }),
  ...work,
});

const fanOut = (name, size, subscribers) => ({
  id: `fanout-${size}-${subscribers}`,
  title: `Fan-out, lines of ${name}, ${subscribers} subscribers`,
  kind: 'throughput',
  peers: everyone,
  work: { subscribers, size },
});

const atRate = (rate, subscribers, kind) => ({
  id: `rate-${rate}`,
  title: `${rate} messages a second into a room of ${subscribers}, lines of 150 B`,
  kind,
  peers: everyone,
  work: { subscribers, size: SIZES['150 B'], rate },
});

export const rows = [
  ...Object.entries(SIZES).flatMap(([name, size]) => [10, 100, 1000, 5000].map((n) => fanOut(name, size, n))),
  {
    id: 'rooms-1000',
    title: 'Fan-out, lines of 150 B, 1000 rooms of 10',
    kind: 'throughput',
    peers: everyone.filter((peer) => peer !== ngircd),
    // Ten thousand joins cause compilation and garbage collection, which this row does not measure.
    work: { subscribers: 10, rooms: 1000, publishers: 1000, size: SIZES['150 B'], window: 8, warmup: 3 },
  },
  ...[10, 100, 1000].map((subscribers) => ({
    id: `durable-${subscribers}`,
    title: `Fan-out of what is on disk, lines of 150 B, ${subscribers} subscribers`,
    kind: 'throughput',
    peers: [rxchatOnDisk, jetstream, redisStreams],
    work: { subscribers, size: SIZES['150 B'] },
  })),
  atRate(1000, 1000, 'latency'),
  atRate(100, 1000, 'cpu'),
  {
    id: 'join-5000',
    title: '5000 clients join, and are idle then',
    kind: 'join',
    peers: [rxchat, relayInC, node, redis, nats, mosquitto, websocket, naive],
    work: { subscribers: 5000, size: SIZES['150 B'], seconds: 0, warmup: 0, settle: 1 },
  },
];

/** For a machine without an installed broker. */
export const standIn = naive;

const few = (row, work = {}) => ({
  ...row,
  peers: row.peers.filter((peer) => [rxchat, relayInC, redis, nats].includes(peer)),
  work: { seconds: 0.6, warmup: 0.4, ...row.work, ...work },
});
const named = (id) => rows.find((row) => row.id === id);

/** Rows for CI: under two minutes, so few rows and peers, and ratios only. */
export const quickRows = [
  few(named('fanout-148-100')),
  few(named('fanout-148-1000')),
  few(named('rate-100')),
  {
    ...few(named('join-5000'), { subscribers: 1000, settle: 0.5 }),
    id: 'join-1000',
    title: '1000 clients join',
  },
];
