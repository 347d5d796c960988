/** The rows of `bench:cluster`: the work, and the setups that do it in turn. The first setup is compared with the others. */
import { rxchat, rxchatOnDisk, rxchatOnOs } from '../peers/rxchat.mjs';
import { alone, fetchedR1, fetchedR3, installedR1 } from './servers.mjs';

const memory = alone('memory', rxchat);
const disk = alone('lmdb disk', rxchatOnDisk);
const everyStore = [
  memory,
  alone('lmdb os', rxchatOnOs),
  disk,
  installedR1(),
  fetchedR1(),
  fetchedR3(),
  fetchedR3(2, 'NATS R3 sync always, 2 relays'),
];

const SIZE = 148;
const relaysOf = (setup, counts) =>
  counts.map((count) => setup(count, `${count} relay${count === 1 ? '' : 's'}, ${setup().name}`));

const sharedRows = [
  {
    id: 'latency',
    title: '50 lines a second into a room of ten',
    kind: 'shared-latency',
    peers: everyStore,
    work: { subscribers: 10, rate: 50 },
  },
  {
    id: 'throughput',
    title: 'As fast as it goes, a room of ten',
    kind: 'shared-throughput',
    peers: everyStore,
    work: { subscribers: 10, window: 256 },
  },
  {
    id: 'fan-out',
    title: '50 lines a second into a room of 1000',
    kind: 'shared-latency',
    peers: [...relaysOf(fetchedR3, [1, 2]), disk],
    work: { subscribers: 1000, rate: 50 },
  },
  {
    id: 'hot-room',
    title: '400 lines a second into a room of twelve, written at all relays',
    kind: 'shared-latency',
    peers: [...relaysOf(fetchedR3, [1, 2, 4]), disk],
    work: { subscribers: 12, publishers: 12, rate: 400 },
  },
  {
    // Each member is a file descriptor of the generator, and 20 000 is a usual limit.
    id: 'many-rooms',
    title: '300 lines a second into 9500 rooms of two',
    kind: 'shared-latency',
    peers: [...relaysOf(fetchedR3, [1, 2]), disk],
    work: { subscribers: 2, rooms: 9500, publishers: 9500, rate: 300, settle: 3 },
  },
  {
    id: 'room-of-10000',
    title: '5 lines a second into a room of 10 000',
    kind: 'shared-latency',
    peers: [...relaysOf(fetchedR3, [1, 4]), disk],
    work: { subscribers: 10_000, publishers: 12, rate: 5, settle: 3 },
  },
  {
    id: 'processes',
    title: 'As fast as it goes, 200 rooms of ten',
    kind: 'shared-throughput',
    peers: [...relaysOf(fetchedR1, [1, 2, 4]), disk],
    work: { subscribers: 10, rooms: 200, publishers: 200, window: 8 },
  },
  {
    id: 'memory-members',
    title: '4000 idle members of one room',
    kind: 'shared-join',
    peers: [...relaysOf(fetchedR1, [1, 2]), disk],
    work: { subscribers: 4000, warm: 1000, seconds: 0, warmup: 0, settle: 4 },
  },
  {
    id: 'memory-rooms',
    title: '10 000 rooms with an idle member each',
    kind: 'shared-join',
    peers: [...relaysOf(fetchedR1, [1, 2]), disk],
    work: { subscribers: 1, rooms: 10_000, warm: 1000, seconds: 0, warmup: 0, settle: 4 },
  },
];

/** The announcements of those who have joined may come a second later. */
const DEFAULTS = { size: SIZE, settle: 1.5, warmup: 2, seconds: 4, patience: 120, sleeps: 1 };

export const rows = sharedRows.map((row) => ({
  ...row,
  work: { ...DEFAULTS, publishers: Math.min(10, row.work.subscribers), ...row.work },
}));
