import { expect, test } from '@jest/globals';
import {
  type Run,
  cpu,
  deliveries,
  disturbance,
  measuresOf,
  p99,
  remarksOn,
} from '../../../../bench/measure/measures.mjs';

const run: Run = {
  ok: true,
  fault: null,
  arrived: true,
  totalOrder: true,
  seconds: 2,
  deliveries: 4_000_000,
  offered: 0,
  serverCpu: 1,
  idleShare: 0.4,
  p50: 1,
  p99: 5,
};
const behind: Run = { ...run, ok: false, arrived: false };
const wrong: Run = { ...run, ok: false, fault: 'subscriber 3: missed a line' };

test('a run that was right has figures, and nothing is said of it', () => {
  expect([deliveries.of(run), cpu.of(run), p99.of(run)]).toEqual([2_000_000, 0.25, 5]);
  expect(remarksOn([run])).toEqual([]);
});

test('a wrong run has no figures', () => {
  expect([deliveries.of(wrong), cpu.of(wrong), p99.of(wrong)]).toEqual([undefined, undefined, undefined]);
  expect(remarksOn([run, wrong])).toEqual(['1 of 2 runs WRONG: subscriber 3: missed a line']);
});

test('a server that did not start is a wrong run', () => {
  expect(cpu.of({ ok: false, fault: 'it did not start' })).toBeUndefined();
});

test('who did not keep up delivered, but no latency of it is known', () => {
  expect([deliveries.of(behind), p99.of(behind)]).toEqual([2_000_000, undefined]);
  expect(remarksOn([behind])).toEqual(['did not keep up in 1 of 1 runs']);
});

test('who is behind at a fixed rate sends more at once, so its CPU is not compared', () => {
  const late = { ...run, offered: 4_000_000 };
  expect(cpu.of(late)).toBeUndefined();
  expect(remarksOn([late])).toEqual(['fell behind: 50 % in time']);
  expect(cpu.of({ ...run, offered: 2_000_000 })).toBe(0.25);
});

test('another order for some, and a generator without time to spare, are said', () => {
  expect(remarksOn([{ ...run, totalOrder: false, idleShare: 0.01 }])).toEqual([
    'no total order',
    'the generator was the limit: deliveries/s are a floor',
  ]);
});

const shared: Run = {
  ...run,
  relays: 2,
  processes: [
    { cpu: 1, memoryBefore: 100, memoryJoined: 300 },
    { cpu: 3, memoryBefore: 100, memoryJoined: 200 },
    { cpu: 2, memoryBefore: 50, memoryJoined: 90 },
  ],
  otherOnMachine: 0.3,
  otherOnServerCore: 1.5,
  otherOnOwnCore: 1.2,
};

test('the CPU and memory of several relays and of their engine are separate', () => {
  const figures = (kind: string) =>
    measuresOf({ kind, work: { subscribers: 6, rooms: 4, warm: 4 } }).map(({ name, of }) => [
      name,
      of(shared),
    ]);
  expect(figures('shared-throughput')).toEqual([
    ['deliveries/s', 2_000_000],
    ['CPU s per million, relays', 1],
    ['CPU s per million, engine', 0.5],
  ]);
  expect(figures('shared-join')).toEqual([
    ['KiB a client, relays', 15],
    ['s to join', undefined],
    ['KiB a client, engine', 2],
  ]);
});

test('other work is that of the machine if several relays share the cores with the generator', () => {
  expect(disturbance([shared]).other).toBe(0.3);
  expect(disturbance([{ ...shared, relays: undefined }]).other).toBe(1.5);
});
