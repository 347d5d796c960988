import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lastValueFrom } from 'rxjs';
import type { History, StoredLog } from '../../../../streams/relay/log/history.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { fakeHistory } from '../../../support/fakeHistory.js';
import {
  isGap,
  numberedLines,
  openHistory,
  readAll,
  appendLines,
  tempDirs,
} from '../../../support/history/openHistory.js';

interface Kind {
  readonly name: string;
  /** An empty store; `reopen` does what a restarted relay does. */
  readonly make: () => Promise<{
    readonly history: History;
    readonly reopen: () => Promise<History>;
    readonly dispose: () => void;
  }>;
}

const dirs = tempDirs();

const kinds: readonly Kind[] = [
  {
    name: 'lmdb',
    make: async () => {
      const dir = dirs.make();
      let opened = await openHistory({ dir });
      return {
        history: opened.history,
        reopen: async () => {
          opened.close();
          opened = await openHistory({ dir });
          return opened.history;
        },
        dispose: () => {
          opened.close();
          dirs.clear();
        },
      };
    },
  },
  {
    name: 'fake',
    make: () => {
      const history = fakeHistory();
      return Promise.resolve({ history, reopen: () => Promise.resolve(history), dispose: () => undefined });
    },
  },
];

describe.each(kinds)('a history in $name', ({ make }) => {
  let history: History;
  let reopen: () => Promise<History>;
  let dispose: () => void;
  let lobby: StoredLog;

  beforeEach(async () => {
    ({ history, reopen, dispose } = await make());
    lobby = history.open('lobby', () => 'one');
  });

  afterEach(() => {
    dispose();
  });

  test('begins with an empty log under a new id', () => {
    expect([lobby.id, lobby.first, lobby.next]).toStrictEqual(['one', 1, 1]);
    expect(lobby.read(1)).toBeUndefined();
    expect(lobby.read(7)).toBeUndefined();
  });

  test('reads the stored entries from any position on', async () => {
    await appendLines(lobby, 'a', 'b', 'c');
    await appendLines(lobby, 'd');
    expect([lobby.first, lobby.next]).toStrictEqual([1, 5]);
    expect([1, 2, 3, 4, 5].map((from) => readAll(lobby, from).join(''))).toStrictEqual([
      'abcd',
      'bcd',
      'cd',
      'd',
      '',
    ]);
  });

  test('stores only once it is subscribed, and completes later', async () => {
    const append$ = lobby.append({ first: 1, count: 1, slices: [encodeText('a\n')] });
    expect(lobby.next).toBe(1);
    const ended = new Promise<void>((resolve, reject) => {
      let within = true;
      append$.subscribe({
        complete: () => {
          if (within) reject(new Error('within the call'));
          else resolve();
        },
        error: reject,
      });
      within = false;
    });
    expect(lobby.next).toBe(1);
    await ended;
    expect(lobby.next).toBe(2);
  });

  test('stores a batch that nobody waits for', async () => {
    lobby
      .append({ first: 1, count: 1, slices: [encodeText('a\n')] })
      .subscribe()
      .unsubscribe();
    const again = history.open('lobby', () => 'two');
    expect(again.id).toBe('one');
    expect(readAll(again)).toStrictEqual(['a']);
    await appendLines(again, 'b');
    expect(readAll(again)).toStrictEqual(['a', 'b']);
  });

  test('keeps rooms apart even if one name is a prefix of another', async () => {
    const names = ['l', 'lobby!', 'lobb', '', 'lobby\0\0\0\0\0\0\0\x01'];
    await appendLines(lobby, 'in the lobby');
    await Promise.all(
      names.map((name) =>
        appendLines(
          history.open(name, () => name),
          `in ${name}`,
        ),
      ),
    );
    for (const name of names) {
      const log = history.open(name, () => 'new');
      expect([log.id, log.next, ...readAll(log)]).toStrictEqual([name, 2, `in ${name}`]);
    }
    expect(readAll(lobby)).toStrictEqual(['in the lobby']);
  });

  test('contains everything when it is reopened, and continues there', async () => {
    await appendLines(lobby, ...numberedLines(1, 10));
    const again = (await reopen()).open('lobby', () => 'two');
    expect([again.id, again.first, again.next]).toStrictEqual(['one', 1, 11]);
    await appendLines(again, ...numberedLines(11, 12));
    expect(readAll(again)).toStrictEqual(numberedLines(1, 12));
  });

  test('makes a new id for a log without stored entries', async () => {
    expect((await reopen()).open('lobby', () => 'two').id).toBe('two');
  });

  test('reads at most about 64 KiB at once, and a longer line whole', async () => {
    const long = 'x'.repeat(65_535);
    await appendLines(lobby, ...numberedLines(1, 9000), long, ...numberedLines(9002, 20_000), long, 'last');
    expect(readAll(lobby)).toStrictEqual([
      ...numberedLines(1, 9000),
      long,
      ...numberedLines(9002, 20_000),
      long,
      'last',
    ]);
    for (const from of [1, 8999, 9001, 9002, 20_001, 20_002]) {
      const read = lobby.read(from)!;
      expect(isGap(read) ? 0 : read.bytes.length).toBeLessThanOrEqual(65_536);
    }
  });

  test('leaves what it read to the reader', async () => {
    await appendLines(lobby, 'first');
    const read = lobby.read(1)!;
    await appendLines(lobby, 'second');
    await appendLines(
      history.open('cellar', () => 'c'),
      'third',
    );
    readAll(lobby);
    expect(isGap(read) ? '' : Buffer.from(read.bytes).toString()).toBe('first\n');
    if (!isGap(read)) read.bytes.fill(0);
    expect(readAll(lobby)).toStrictEqual(['first', 'second']);
  });

  test('refuses a batch that does not follow, and keeps what it has', async () => {
    await appendLines(lobby, 'a');
    const other = history.open('lobby', () => 'two');
    await appendLines(lobby, 'b');
    for (const first of [1, 4])
      await expect(
        new Promise((resolve, reject) => {
          lobby
            .append({ first, count: 1, slices: [encodeText('x\n')] })
            .subscribe({ complete: () => resolve('stored'), error: reject });
        }),
      ).rejects.toThrow();
    if (other.next === 2) await expect(appendLines(other, 'x')).rejects.toThrow();
    expect(readAll(lobby)).toStrictEqual(['a', 'b']);
    await appendLines(lobby, 'c');
    expect(readAll(lobby)).toStrictEqual(['a', 'b', 'c']);
  });

  test('refuses a second batch while one is being stored', async () => {
    const both = await Promise.allSettled([appendLines(lobby, 'a'), appendLines(lobby, 'b')]);
    expect(both.map(({ status }) => status)).toStrictEqual(['fulfilled', 'rejected']);
    expect(readAll(lobby)).toStrictEqual(['a']);
  });

  test('reads batches of any size back in their order', async () => {
    const line = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 20 }),
      fc.integer({ min: 1000, max: 40_000 }).map((length) => 'y'.repeat(length)),
    );
    const batch = fc.array(fc.array(line, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
    let rooms = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
        rooms += 1;
        const log = history.open(`room ${rooms}`, () => 'id');
        const all: string[] = [];
        for (const slices of batches) {
          await new Promise<void>((complete, error) => {
            log
              .append({
                first: log.next,
                count: slices.flat().length,
                slices: slices.map((lines) => encodeText(lines.map((each) => `${each}\n`).join(''))),
              })
              .subscribe({ complete, error });
          });
          all.push(...slices.flat());
        }
        expect(log.next).toBe(all.length + 1);
        const from = 1 + (rooms % all.length);
        expect(readAll(log, from)).toStrictEqual(all.slice(from - 1));
      }),
      { numRuns: 30 },
    );
  });

  const remove = (room: string) => lastValueFrom(history.remove!(room));

  test('removes a room with what is pending; then it is new, and other rooms stay', async () => {
    const cellar = history.open('cellar', () => 'two');
    await appendLines(cellar, 'z');
    await appendLines(lobby, 'a', 'bc');
    const pending = appendLines(lobby, 'd').catch(() => undefined);
    expect(await remove('lobby')).toStrictEqual({ entries: 3, bytes: 7 });
    await pending;
    expect([history.has?.('lobby'), history.has?.('cellar')]).toStrictEqual([false, true]);
    const again = await reopen();
    const log = again.open('lobby', () => 'three');
    expect([log.id, log.first, log.next]).toStrictEqual(['three', 1, 1]);
    expect(
      readAll(
        again.open('cellar', () => 'four'),
        1,
      ).join(''),
    ).toBe('z');
    await appendLines(log, 'e');
    expect(readAll(log, 1)).toStrictEqual(['e']);
  });

  test('removes nothing of a room that it does not have', async () => {
    expect(await remove('attic')).toStrictEqual({ entries: 0, bytes: 0 });
    expect(await remove('lobby')).toStrictEqual({ entries: 0, bytes: 0 });
  });
});
