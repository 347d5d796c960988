import { afterEach, beforeEach, describe, expect, test as jestTest } from '@jest/globals';
import { filter, firstValueFrom, type Observable, ReplaySubject, Subscription, take, toArray } from 'rxjs';
import { AppendConflictError, type Ledger, type LedgerRecord } from '../../streams/relay/cluster/ledger.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/encoding.js';

/** A relay that is connected to an engine. */
export interface ConnectedLedger {
  readonly ledger: Ledger;
  /** Stops the relay as a drain does. */
  readonly stop: () => void;
}

/** An engine that was started for one test, without records. */
export interface StartedEngine {
  readonly connect: () => Promise<ConnectedLedger>;
  /** Breaks the connections of all relays, and resolves when the engine can be reached again. */
  readonly interrupt: () => Promise<void>;
  readonly dispose: () => Promise<void> | void;
}

/** An implementation of `Ledger`. */
export interface LedgerKind {
  readonly name: string;
  readonly start: () => Promise<StartedEngine>;
  /** Of several simultaneous appends with the same condition, the engine accepts exactly one. */
  readonly acceptsOneAppend: boolean;
  /** Skips the tests if something is missing. */
  readonly test?: typeof jestTest | typeof jestTest.skip;
}

const ROOM = 'room';

/** A record without `previous`, which an engine does not have to report. */
const summary = ({ address, bytes }: LedgerRecord) => ({ address, line: decodeTextLossy(bytes) });

/** Runs the contract of `Ledger` over an implementation. */
export const describeLedger = ({ name, start, acceptsOneAppend, test = jestTest }: LedgerKind): void => {
  describe(`a ledger in ${name}`, () => {
    let engine: StartedEngine;
    let one: Ledger;
    let two: Ledger;
    let stopTwo: () => void;
    let subscriptions: Subscription;

    beforeEach(async () => {
      subscriptions = new Subscription();
      engine = await start();
      one = (await engine.connect()).ledger;
      ({ ledger: two, stop: stopTwo } = await engine.connect());
    });
    afterEach(async () => {
      subscriptions.unsubscribe();
      await engine.dispose();
    });

    const append = (ledger: Ledger, line: string, expectedLast: number, room = ROOM) =>
      firstValueFrom(ledger.append(room, encodeText(line), expectedLast));
    const appendAll = async (lines: readonly string[]): Promise<readonly number[]> => {
      const addresses: number[] = [];
      for (const line of lines) addresses.push(await append(one, line, addresses.at(-1) ?? 0));
      return addresses;
    };
    const readAll = async (address: number, options?: Parameters<Ledger['read']>[2]) =>
      (await firstValueFrom(one.read(ROOM, address, options).pipe(toArray()))).map(summary);
    /** Collects what is emitted from now on. */
    const collect = <T>(source$: Observable<T>) => {
      const values = new ReplaySubject<T>(Infinity);
      subscriptions.add(source$.subscribe(values));
      return {
        find: (passes: (value: T) => boolean) => firstValueFrom(values.pipe(filter(passes))),
        take: (count: number) => firstValueFrom(values.pipe(take(count), toArray())),
      };
    };
    /** Follows the room at the second relay. The answer to a request shows that the engine knows of it. */
    const follow = async () => {
      const records = collect(
        two.follow(ROOM).pipe(filter((each): each is LedgerRecord => each !== 'missed')),
      );
      await firstValueFrom(two.last(ROOM));
      return records;
    };

    test('names each relay by another id', () => {
      expect(one.relayId).not.toBe(two.relayId);
    });

    test('appends each record with a higher address than the one before', async () => {
      const addresses = await appendAll(['a', 'b', 'c']);
      expect([...addresses].sort((a, b) => a - b)).toStrictEqual(addresses);
      expect(new Set(addresses).size).toBe(3);
      expect(Math.min(...addresses)).toBeGreaterThan(0);
    });

    test('refuses an append whose condition does not hold, with AppendConflictError', async () => {
      const [first = 0] = await appendAll(['a', 'b']);
      for (const expectedLast of [0, first]) {
        const error: unknown = await append(one, 'c', expectedLast).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(AppendConflictError);
      }
      expect((await readAll(1)).map(({ line }) => line)).toStrictEqual(['a', 'b']);
    });

    test('stores an append although nobody waits for its answer', async () => {
      const records = await follow();
      one.append(ROOM, encodeText('a'), 0).subscribe().unsubscribe();
      expect((await records.take(1)).map(({ bytes }) => decodeTextLossy(bytes))).toStrictEqual(['a']);
    });

    test('gives simultaneous appends one order, the same for all relays', async () => {
      const records = await follow();
      const results = await Promise.allSettled(
        [one, two, one, two, one, two].map((ledger, n) => append(ledger, `${n}`, 0)),
      );
      const accepted = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      for (const each of results)
        if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(AppendConflictError);
      expect(accepted.length).toBeGreaterThan(0);
      const stored = await readAll(1);
      expect(stored.map(({ address }) => address)).toStrictEqual([...accepted].sort((a, b) => a - b));
      expect((await records.take(stored.length)).map(summary)).toStrictEqual(stored);
      if (acceptsOneAppend) expect(stored).toHaveLength(1);
    });

    test('keeps rooms apart', async () => {
      await append(one, 'a', 0);
      await append(one, 'x', 0, 'other');
      expect((await readAll(1)).map(({ line }) => line)).toStrictEqual(['a']);
    });

    test('reads nothing from a room without records, and none as its last record', async () => {
      expect(await readAll(1)).toStrictEqual([]);
      for (const isFresh of [false, true])
        expect(await firstValueFrom(one.last(ROOM, { isFresh }))).toBeUndefined();
    });

    test('reads records in order, from the first one at an address or after it', async () => {
      const [a = 0, , c = 0, d = 0] = await appendAll(['a', 'b', 'c', 'd']);
      for (const isFresh of [false, true]) {
        expect((await readAll(1, { isFresh })).map(({ line }) => line)).toStrictEqual(['a', 'b', 'c', 'd']);
        expect((await readAll(a + 1, { isFresh })).map(({ line }) => line)).toStrictEqual(['b', 'c', 'd']);
        expect(await readAll(c, { isFresh })).toStrictEqual([
          { address: c, line: 'c' },
          { address: d, line: 'd' },
        ]);
        expect(await readAll(d + 1, { isFresh })).toStrictEqual([]);
        const last = await firstValueFrom(one.last(ROOM, { isFresh }));
        expect(last && summary(last)).toStrictEqual({ address: d, line: 'd' });
      }
    });

    test('ends a read soon after maxBytes, but never before its first record', async () => {
      const lines = Array.from({ length: 40 }, (_, n) => `${n}`.padEnd(1000, '.'));
      await appendAll(lines);
      for (const isFresh of [false, true]) {
        const some = await readAll(1, { isFresh, maxBytes: 5000 });
        expect(some.map(({ line }) => line)).toStrictEqual(lines.slice(0, some.length));
        expect(some.length).toBeGreaterThanOrEqual(5);
        expect(some.length).toBeLessThan(20);
        expect(await readAll(1, { isFresh, maxBytes: 1 })).toHaveLength(1);
      }
    });

    test('stores a record of 512 KiB', async () => {
      const line = 'x'.repeat(524_288);
      const records = await follow();
      const address = await append(one, line, 0);
      expect(await readAll(1)).toStrictEqual([{ address, line }]);
      expect((await records.take(1)).map(summary)).toStrictEqual([{ address, line }]);
    });

    test('emits followed records in order, each with the address of the one before if that is known', async () => {
      await append(one, 'before', 0);
      const records = await follow();
      let last = (await readAll(1)).at(-1)?.address ?? 0;
      const expected = [];
      for (const line of ['a', 'b', 'c']) {
        const previous = last;
        last = await append(one, line, previous);
        expected.push({ address: last, line, previous });
      }
      const followed = await records.take(3);
      expect(followed.map(summary)).toStrictEqual(expected.map(({ address, line }) => ({ address, line })));
      for (const [n, { previous }] of followed.entries())
        expect([undefined, expected[n]?.previous]).toContain(previous);
    });

    test('emits missed after the connection was interrupted, then follows and appends again', async () => {
      const first = await append(one, 'a', 0);
      const events = collect(two.follow(ROOM));
      await firstValueFrom(two.last(ROOM));
      await engine.interrupt();
      await events.find((each) => each === 'missed');
      const appendAgain = (): Promise<number> =>
        append(one, 'b', first).catch((error: unknown) => {
          if (error instanceof AppendConflictError && error.last !== undefined) return error.last;
          return appendAgain();
        });
      const address = await appendAgain();
      // The record, or a further notice that some may be missing.
      await events.find((each) => each !== 'missed' && each.address === address);
    });

    test('keeps the last reservation of each room, apart from its records, on the same condition', async () => {
      const reserve = (line: string, expectedLast: number, room = ROOM) =>
        firstValueFrom(one.reservations.append(room, encodeText(line), expectedLast));
      const lastOf = async (room: string) => {
        const last = await firstValueFrom(two.reservations.last(room, { isFresh: true }));
        return last && decodeTextLossy(last.bytes);
      };
      await append(one, 'a', 0);
      const first = await reserve('1', 0);
      for (const wrong of [0, first + 1])
        await expect(reserve('2', wrong)).rejects.toBeInstanceOf(AppendConflictError);
      await reserve('2', first);
      await reserve('x', 0, 'other');
      expect([await lastOf(ROOM), await lastOf('other'), await lastOf('new')]).toStrictEqual([
        '2',
        'x',
        undefined,
      ]);
      expect((await readAll(1)).map(({ line }) => line)).toStrictEqual(['a']);
    });

    test('sends bytes to one relay only', async () => {
      const atOne = collect(one.received$);
      const atTwo = collect(two.received$);
      // Servers may not know of a relay yet that has just connected.
      const sending = setInterval(() => {
        one.send(two.relayId, encodeText('for two'));
        two.send(one.relayId, encodeText('for one'));
      }, 20);
      subscriptions.add(() => {
        clearInterval(sending);
      });
      expect((await atOne.take(3)).map(decodeTextLossy)).toStrictEqual(Array(3).fill('for one'));
      expect((await atTwo.take(3)).map(decodeTextLossy)).toStrictEqual(Array(3).fill('for two'));
    });

    test('reports a relay that connects and one that stops', async () => {
      const presence = collect(one.presence$);
      const { ledger, stop } = await engine.connect();
      await presence.find(({ relayId, type }) => relayId === ledger.relayId && type === 'alive');
      expect([one.relayId, ledger.relayId].map((id) => one.isAlive(id))).toStrictEqual([true, true]);
      stop();
      await presence.find(({ relayId, type }) => relayId === ledger.relayId && type === 'gone');
      stopTwo();
      await presence.find(({ relayId, type }) => relayId === two.relayId && type === 'gone');
    });
  });
};
