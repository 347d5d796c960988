import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { filter, firstValueFrom, NEVER, of, Subject, switchMap, take, takeUntil, tap, timeout } from 'rxjs';
import { lmdbHistory } from '../../../src/history/index.js';
import { endOfTick$ } from '../../../src/relay/endOfTick.js';
import { relay, type RelayEvent } from '../../../streams/relay/index.js';
import { type Connection, connectionPair, toBase64url } from '../../../streams/wire/index.js';
import { bytes, hello, nonce, token, verify } from '../../support/wire.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const heap = () => {
  gc();
  return getHeapStatistics().used_heap_size;
};

const dir = mkdtempSync(join(tmpdir(), 'rxchat-idle-'));
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const ROOMS = 10_000;
/** The rooms before the measurement: by then what the process allocates only once exists, compiled code above all. */
const WARM_UP_ROOMS = 3000;
const name = (n: number) => toBase64url(new Uint8Array(32).map((_, at) => (at < 4 ? n >> (8 * at) : 7)));

test('lmdbHistory keeps thousands of rooms that everyone has left on disk only', async () => {
  const connection = new Subject<Connection>();
  const stop$ = new Subject<void>();
  const counts: Partial<Record<RelayEvent['type'], number>> = {};
  const happened = new Subject<RelayEvent>();
  const options = {
    nonce,
    verify,
    logId: () => 'log',
    endOfTick$,
    timing: { coalesceMs: 0, roomIdleMs: 0, reconnectGraceMs: 0 },
  };
  const serving = lmdbHistory({ dir, durability: 'os' })
    .pipe(
      switchMap((history) => connection.pipe(relay({ ...options, history: { store: history }, stop$ }))),
      tap(({ type }) => (counts[type] = (counts[type] ?? 0) + 1)),
    )
    .subscribe(happened);
  await firstValueFrom(of(0).pipe(switchMap(() => endOfTick$)));

  /** Joins a room, sends a message, waits until it is stored, and leaves. */
  const visit = (n: number) => {
    const [near, far] = connectionPair();
    connection.next(far);
    near.chunk$.subscribe();
    near.write(bytes(hello(`nick${n}`, { room: name(n) as never }), token(String(n)), 'BYE'));
  };
  const until = (type: RelayEvent['type'], count: number) =>
    firstValueFrom(
      happened.pipe(
        filter(() => (counts[type] ?? 0) >= count),
        take(1),
        timeout(250_000),
      ),
    );

  const visitAll = async (first: number, end: number) => {
    for (let from = first; from < end; from += 700) {
      const to = Math.min(end, from + 700);
      const departed = until('left', to);
      for (let n = from; n < to; n += 1) visit(n);
      await departed;
    }
    await firstValueFrom(NEVER.pipe(takeUntil(endOfTick$)), { defaultValue: undefined });
  };

  await visitAll(0, WARM_UP_ROOMS);
  const before = heap();
  await visitAll(WARM_UP_ROOMS, ROOMS);
  expect(counts.stored).toBe(ROOMS);
  expect(counts['not-stored']).toBeUndefined();
  // Less than 200 bytes per room, much less than the smallest log would take.
  expect(heap() - before).toBeLessThan(200 * (ROOMS - WARM_UP_ROOMS));

  // All of them are there when a member comes back.
  const again = until('joined', ROOMS + 1);
  const [near, far] = connectionPair();
  let received = '';
  near.chunk$.subscribe((chunk) => (received += new TextDecoder().decode(chunk)));
  connection.next(far);
  near.write(bytes(hello('late', { room: name(3210) as never, after: { log: '*', n: 0 } })));
  await again;
  await firstValueFrom(endOfTick$, { defaultValue: undefined });
  await firstValueFrom(endOfTick$, { defaultValue: undefined });
  expect(received).toContain(token('3210'));
  serving.unsubscribe();
});
