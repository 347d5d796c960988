import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { entryHash, type Resume } from '../../../../streams/wire/fields.js';
import { fakeHash } from '../../../support/envelopes.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { readRoom, startRelays } from '../../../support/relays.js';
import { LOBBY } from '../../../support/wire.js';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A room with 200 batches. The second relay opens it at a snapshot, with little in memory. */
const openLongRoom = () => {
  const engine = fakeEngine();
  const relays = startRelays({
    engine,
    count: 2,
    checkMs: 1000,
    room: { windowBytes: 4096, coalesceMs: 0 },
  });
  const alice = relays.join(0, 'alice');
  for (let n = 0; n < 200; n += 1) {
    alice.send(`m${n}`);
    jest.advanceTimersByTime(10);
  }
  relays.kill(1);
  relays.start(1);
  const { lines, log = '' } = readRoom(engine);
  return { engine, relays, lines, log };
};

const resume = (log: string, n: number, line: string): Resume => ({
  log,
  n,
  hash: entryHash(fakeHash(encodeText(line))),
});

describe('a relay that opens a shared room at a snapshot', () => {
  test('sends a member the entries before it', () => {
    const { relays, lines } = openLongRoom();
    const bob = relays.join(1, 'bob', { after: { log: '*', n: 0 } });
    jest.advanceTimersByTime(1000);
    expect(bob.lines[0]).toContain(' from=1 ');
    expect(bob.lines.slice(1)).toStrictEqual([...lines, '+bob']);
    relays.stop();
  });

  test.each([
    { who: 'has read the same', read: (line: string) => line, from: 51 },
    { who: 'has read something else', read: () => 'another line', from: 1 },
  ])('compares an entry that is not in memory: a member $who', ({ read, from }) => {
    const { relays, lines, log } = openLongRoom();
    const bob = relays.join(1, 'bob', { after: resume(log, 50, read(lines[49] as string)) });
    jest.advanceTimersByTime(1000);
    expect(bob.lines[0]).toContain(` from=${from} `);
    expect(bob.lines.slice(1)).toStrictEqual([...lines.slice(from - 1), '+bob']);
    relays.stop();
  });

  test('reports expired entries to a member as a gap', () => {
    const { engine, relays, lines } = openLongRoom();
    engine.dropBefore(LOBBY, engine.records(LOBBY)[100]?.address ?? 0);
    const bob = relays.join(1, 'bob', { after: { log: '*', n: 0 } });
    jest.advanceTimersByTime(1000);
    const [, gap, ...entries] = bob.lines;
    const [, from, to] = /^GAP (\d+) (\d+)$/.exec(gap ?? '') ?? [];
    expect(Number(from)).toBe(1);
    expect(Number(to)).toBeGreaterThan(90);
    expect(entries).toStrictEqual([...lines.slice(Number(to)), '+bob']);
    relays.stop();
  });
});
