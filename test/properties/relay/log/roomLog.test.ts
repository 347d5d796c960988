import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { StoredLog } from '../../../../streams/relay/log/history.js';
import { type Cursor, roomLog, type RoomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeHistory } from '../../../support/fakeHistory.js';
import { appendAndCommit } from '../../../support/logs.js';
import { batch, splitLines } from '../../../support/wire.js';

const WINDOW = 4096;

/** Line number n, from 8 bytes to the longest line intended for a window of four slabs. */
const line = (n: number, length: number): string => `${n}`.padEnd(7 + length, '.');
const batches = fc.array(
  fc.array(fc.integer({ min: 0, max: WINDOW / 4 - 8 }), { minLength: 1, maxLength: 12 }),
  {
    maxLength: 30,
  },
);

const appendAll = (log: RoomLog, all: readonly number[][], each: () => void) => {
  const lines: string[] = [];
  for (const lengths of all) {
    const fresh = lengths.map((length, at) => line(lines.length + 1 + at, length));
    lines.push(...fresh);
    appendAndCommit(log, ...fresh);
    each();
  }
  return lines;
};

describe('roomLog', () => {
  test('holds at most its window and the last commit in memory', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const log = roomLog({ id: 'log', windowBytes: WINDOW });
        let before = 1;
        appendAll(log, all, () => {
          // All reachable memory: the slices from the oldest line on.
          const slabs = new Set<ArrayBufferLike>();
          const fresh = new Set<ArrayBufferLike>();
          const cursor = log.cursor(log.first);
          for (let from = cursor.position, read = cursor.read(); read !== undefined;) {
            if (read instanceof Uint8Array) (from < before ? slabs : fresh).add(read.buffer);
            from = cursor.position;
            read = cursor.read();
          }
          let pending = 0;
          for (const { byteLength } of slabs) pending += byteLength;
          expect(pending).toBeLessThanOrEqual(WINDOW);
          expect(fresh.size).toBeLessThanOrEqual(log.next - before);
          before = log.next;
        });
      }),
    );
  });

  test('counts every line, and keeps the newest', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const log = roomLog({ id: 'log', windowBytes: WINDOW });
        const lines = appendAll(log, all, () => undefined);
        expect(log.next).toBe(lines.length + 1);
        expect(log.first).toBeGreaterThanOrEqual(1);
        // Of four slabs the newest may be almost empty, and the lines fill at least one of any two others.
        expect(lines.slice(log.first - 1).join('\n').length).toBeGreaterThanOrEqual(
          Math.min(lines.join('\n').length, WINDOW / 4),
        );
      }),
    );
  });

  test('reads each line once, in order and by its number, from any position', () => {
    fc.assert(
      fc.property(batches, fc.nat({ max: 400 }), (all, from) => {
        const log = roomLog({ id: 'log', windowBytes: WINDOW });
        const lines = appendAll(log, all, () => undefined);
        const start = Math.min(Math.max(1, from), log.next);
        const retained = Math.max(start, log.first);
        expect(follow(log.cursor(from))).toStrictEqual({
          from: start,
          gaps: start < retained ? [[start, retained - 1]] : [],
          lines: lines.slice(retained - 1),
          to: lines.length + 1,
        });
      }),
      { numRuns: 300 },
    );
  });

  test('gives an occasional reader each line or a gap, never both and never neither', () => {
    fc.assert(
      fc.property(batches, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (all, reads) => {
        const log = roomLog({ id: 'log', windowBytes: WINDOW });
        const cursor = log.cursor(1);
        const numbers: number[] = [];
        const read = () => {
          const { gaps, lines } = follow(cursor);
          for (const [from, to] of gaps) for (let n = from; n <= to; n += 1) numbers.push(n);
          numbers.push(...lines.map((text) => parseInt(text, 10)));
        };
        const tick = reads.values();
        appendAll(log, all, () => tick.next().value === true && read());
        read();
        expect(numbers).toStrictEqual(Array.from({ length: log.next - 1 }, (_, n) => n + 1));
      }),
      { numRuns: 300 },
    );
  });

  test('leaves slices unchanged: for a borrower until it reads on, for others forever', () => {
    const readers = fc.array(fc.record({ pins: fc.boolean(), pace: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(batches, readers, (all, options) => {
        const log = roomLog({ id: 'log', windowBytes: WINDOW });
        const retained: (() => void)[] = [];
        const following = options.map(({ pins, pace }) => {
          const cursor = log.cursor(1, { releasesSlices: pins });
          let isAsItWas = (): void => undefined;
          return (tick: number) => {
            isAsItWas();
            if (tick % pace !== 0) return;
            const read = cursor.read();
            if (!(read instanceof Uint8Array)) {
              isAsItWas = () => undefined;
              return;
            }
            const before = splitLines(read);
            isAsItWas = () => {
              expect(splitLines(read)).toStrictEqual(before);
            };
            if (!pins) retained.push(isAsItWas);
          };
        });
        let step = 0;
        appendAll(log, all, () => {
          step += 1;
          for (const follow of following) follow(step);
        });
        for (const isAsItWas of retained) isAsItWas();
      }),
      { numRuns: 300 },
    );
  });
});

/** An operation on a log: append lines, give them to the store, commit or roll back, read. */
type Action =
  | { readonly do: 'append'; readonly lengths: readonly number[] }
  | { readonly do: 'hand over' | 'store' | 'fail' | 'restart' }
  | { readonly do: 'read'; readonly who: number; readonly slices: number }
  | { readonly do: 'come'; readonly at: number }
  | { readonly do: 'forget'; readonly share: number }
  | { readonly do: 'damage'; readonly share: number; readonly count: number };

const sharedBudget = fc.double({ min: 0, max: 1, noNaN: true });
const memoryActions: fc.Arbitrary<Action>[] = [
  fc.record({
    do: fc.constant('append' as const),
    lengths: fc.array(fc.integer({ min: 0, max: 1200 }), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({
    do: fc.constantFrom('hand over' as const, 'store' as const, 'store' as const, 'fail' as const),
  }),
  fc.record({ do: fc.constant('read' as const), who: fc.nat({ max: 9 }), slices: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant('come' as const), at: fc.nat({ max: 200 }) }),
];
const storeActions: fc.Arbitrary<Action>[] = [
  fc.record({ do: fc.constant('restart' as const) }),
  fc.record({ do: fc.constant('forget' as const), share: sharedBudget }),
  fc.record({
    do: fc.constant('damage' as const),
    share: sharedBudget,
    count: fc.integer({ min: 1, max: 5 }),
  }),
];
const some = (arbitraries: fc.Arbitrary<Action>[]) =>
  fc.oneof(...arbitraries.map((arbitrary) => ({ weight: 6, arbitrary })));
const inMemory = fc.array(some(memoryActions), { maxLength: 150, size: 'max' });
const inStore = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: some(memoryActions) },
    ...storeActions.map((arbitrary) => ({ weight: 1, arbitrary })),
  ),
  { maxLength: 150, size: 'max' },
);

/** Like `expect(actual).toBe(expected)`, which is slow when it holds: this is called some million times. */
const same = (actual: unknown, expected: unknown) => {
  if (actual !== expected) expect(actual).toBe(expected);
};

/** Runs the operations and checks all reads against a plain array of committed lines. */
const follows = (actions: readonly Action[], hasStore: boolean) => {
  const seen = { gaps: 0, stored: 0, failed: 0, fromStore: 0 };
  const landing = new Subject<void>();
  let failing = false;
  const history = fakeHistory({ commitDelay: () => landing, failsAppend: () => failing, maxReadBytes: 2000 });
  const open = (): { log: RoomLog; store: StoredLog | undefined } => {
    const store = hasStore ? history.open('room', () => 'log') : undefined;
    const watched = store && {
      ...store,
      get first() {
        return store.first;
      },
      read: (position: number) => {
        seen.fromStore += 1;
        return store.read(position);
      },
    };
    return { log: roomLog({ id: 'log', windowBytes: WINDOW, stored: watched }), store };
  };

  let { log, store } = open();
  const committed: string[] = [];
  const damaged = new Set<number>();
  let pending: string[] = [];
  /** The number of lines given to the store. */
  let inFlight = 0;
  let serial = 0;
  const readers = [{ cursor: log.cursor(1), at: 1, keepsUp: true }];

  const land = () => {
    committed.push(...pending.splice(0, inFlight));
    inFlight = 0;
    seen.stored += 1;
  };
  const lose = () => {
    log.rollBack();
    pending = [];
    inFlight = 0;
    seen.failed += 1;
  };
  let over: ((stored: boolean) => void) | undefined;
  const handOver = () => {
    if (inFlight > 0 || pending.length === 0) return;
    inFlight = pending.length;
    const taken = log.batch();
    expect(taken).toMatchObject({ first: committed.length + 1, count: inFlight });
    expect(Buffer.concat(taken.slices).equals(batch(...pending).bytes)).toBe(true);
    const done = (stored: boolean) => {
      over = undefined;
      // Later operations changed nothing of it.
      expect(Buffer.concat(taken.slices).equals(batch(...pending.slice(0, inFlight)).bytes)).toBe(true);
      if (!stored) {
        lose();
        return;
      }
      log.commit(taken);
      land();
    };
    over = done;
    store?.append(taken).subscribe({ complete: () => done(true), error: () => done(false) });
  };
  const landAs = (stored: boolean) => {
    failing = !stored;
    if (hasStore) landing.next();
    else over?.(stored);
  };

  const isMissing = (position: number) => position < log.first || damaged.has(position);

  const read = (who: number, slices: number) => {
    const reader = readers[who % readers.length]!;
    for (let n = 0; n < slices; n += 1) {
      const { at } = reader;
      same(reader.cursor.position, at);
      const slice = reader.cursor.read();
      if (slice === undefined) {
        same(at, committed.length + 1);
        return;
      }
      reader.at = reader.cursor.position;
      same(reader.at > at, true);
      if (slice instanceof Uint8Array) {
        same(splitLines(slice).join(), committed.slice(at - 1, reader.at - 1).join());
        continue;
      }
      if ('ready$' in slice) throw new Error('a store that reads at once has nothing to fetch');
      seen.gaps += 1;
      same(reader.keepsUp && !hasStore, false);
      same(`${slice.from}-${slice.to}`, `${at}-${reader.at - 1}`);
      const positions = Array.from({ length: reader.at - at }, (_, each) => at + each);
      same(positions.filter((position) => !isMissing(position)).join(), '');
    }
  };
  const catchUp = () => read(0, Infinity);

  for (const action of actions) {
    switch (action.do) {
      case 'append': {
        const fresh = action.lengths.map((length) => `${(serial += 1)}`.padEnd(7 + length, '.'));
        pending.push(...fresh);
        log.append(batch(...fresh));
        break;
      }
      case 'hand over':
        handOver();
        break;
      case 'store':
      case 'fail':
        landAs(action.do === 'store');
        // The first reader keeps up.
        catchUp();
        break;
      case 'read':
        read(action.who, action.slices);
        break;
      case 'come': {
        const cursor = log.cursor(action.at);
        same(cursor.position, Math.min(Math.max(1, action.at), committed.length + 1));
        readers.push({ cursor, at: cursor.position, keepsUp: false });
        break;
      }
      case 'restart':
        landAs(true);
        ({ log, store } = open());
        pending = [];
        for (const reader of readers) reader.cursor = log.cursor(reader.at);
        break;
      case 'forget':
        history.dropBefore('room', 1 + Math.floor(action.share * committed.length));
        break;
      case 'damage': {
        const from = 1 + Math.floor(action.share * committed.length);
        if (from > committed.length) break;
        const to = Math.min(from + action.count - 1, committed.length);
        history.damage('room', from, to);
        for (let position = from; position <= to; position += 1) damaged.add(position);
        break;
      }
    }
    same(log.next, committed.length + 1);
    same(log.end, committed.length + pending.length + 1);
    same(
      log.uncommittedBytes,
      pending.reduce((sum, line) => sum + line.length + 1, 0),
    );
  }
  for (let who = 0; who < readers.length; who += 1) read(who, Infinity);
  for (const { at } of readers) same(at, committed.length + 1);
  return seen;
};

describe('roomLog with any sequence of appends, commits, losses and reads', () => {
  test('gives every reader each committed line once and in order, or the gap in its place, in memory', () => {
    const all = { gaps: 0, stored: 0, failed: 0 };
    fc.assert(
      fc.property(inMemory, (actions) => {
        const { gaps, stored, failed } = follows(actions, false);
        all.gaps += gaps;
        all.stored += stored;
        all.failed += failed;
      }),
      { numRuns: 300 },
    );
    expect(all.gaps).toBeGreaterThan(0);
    expect(all.stored).toBeGreaterThan(0);
    expect(all.failed).toBeGreaterThan(0);
  });

  test('gives every reader each line or its gap with a store, where gaps are lost entries', () => {
    const all = { gaps: 0, stored: 0, failed: 0, fromStore: 0 };
    fc.assert(
      fc.property(inStore, (actions) => {
        const { gaps, stored, failed, fromStore } = follows(actions, true);
        all.gaps += gaps;
        all.stored += stored;
        all.failed += failed;
        all.fromStore += fromStore;
      }),
      { numRuns: 300 },
    );
    expect(all.gaps).toBeGreaterThan(0);
    expect(all.stored).toBeGreaterThan(0);
    expect(all.failed).toBeGreaterThan(0);
    expect(all.fromStore).toBeGreaterThan(0);
  });
});

/** Reads to the end. A gap comes first or not at all, since nothing is appended meanwhile. */
const follow = (cursor: Cursor) => {
  const from = cursor.position;
  const gaps: [number, number][] = [];
  const lines: string[] = [];
  for (let read = cursor.read(); read !== undefined; read = cursor.read()) {
    if (read instanceof Uint8Array) lines.push(...splitLines(read));
    else if ('from' in read) {
      expect(lines).toStrictEqual([]);
      gaps.push([read.from, read.to]);
    }
  }
  return { from, gaps, lines, to: cursor.position };
};
