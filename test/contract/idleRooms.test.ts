import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { filter, firstValueFrom, NEVER, of, Subject, switchMap, take, takeUntil, tap, timeout } from 'rxjs';
import { lmdbHistory } from '../../src/history/index.js';
import { endOfTurn$ } from '../../src/turn.js';
import { relay, type RelayEvent } from '../../streams/relay/index.js';
import { type Connection, memoryPair, toBase64url } from '../../streams/wire/index.js';
import { bytes, hello, nonce, token, verify } from '../support/wire.js';

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
const name = (n: number) => toBase64url(new Uint8Array(32).map((_, at) => (at < 4 ? n >> (8 * at) : 7)));

test('ten thousand rooms that everyone has left are on disk and nowhere else', async () => {
  const door = new Subject<Connection>();
  const stop$ = new Subject<void>();
  const counts: Partial<Record<RelayEvent['type'], number>> = {};
  const happened = new Subject<RelayEvent>();
  const options = { nonce, verify, logId: () => 'log', turn$: endOfTurn$, gather: 0, roomIdle: 0, grace: 0 };
  const serving = lmdbHistory({ dir, durability: 'os' })
    .pipe(
      switchMap((history) => door.pipe(relay({ ...options, history, stop$ }))),
      tap(({ type }) => (counts[type] = (counts[type] ?? 0) + 1)),
    )
    .subscribe(happened);
  await firstValueFrom(of(0).pipe(switchMap(() => endOfTurn$)));

  /** Somebody comes to a room, says something, has it stored, and goes. */
  const visit = (n: number) => {
    const [near, far] = memoryPair();
    door.next(far);
    near.chunk$.subscribe();
    near.write(bytes(hello(`nick${n}`, { room: name(n) as never }), token(String(n)), 'BYE'));
  };
  const until = (type: RelayEvent['type'], count: number) =>
    firstValueFrom(
      happened.pipe(
        filter(() => (counts[type] ?? 0) >= count),
        take(1),
        timeout(100_000),
      ),
    );

  // What is made once and for all is made before it is measured.
  let departed = until('departed', 200);
  for (let n = 0; n < 200; n += 1) visit(n);
  await departed;
  await firstValueFrom(NEVER.pipe(takeUntil(endOfTurn$)), { defaultValue: undefined });
  const before = heap();
  for (let from = 200; from < ROOMS; from += 700) {
    const to = Math.min(ROOMS, from + 700);
    departed = until('departed', to);
    for (let n = from; n < to; n += 1) visit(n);
    await departed;
  }
  expect(counts.stored).toBe(ROOMS);
  expect(counts['not-stored']).toBeUndefined();
  await firstValueFrom(NEVER.pipe(takeUntil(endOfTurn$)), { defaultValue: undefined });
  // Less than 200 bytes a room, by far less than the smallest log would take.
  expect(heap() - before).toBeLessThan(200 * ROOMS);

  // And they are all there when somebody comes back.
  const again = until('joined', ROOMS + 1);
  const [near, far] = memoryPair();
  let heard = '';
  near.chunk$.subscribe((chunk) => (heard += new TextDecoder().decode(chunk)));
  door.next(far);
  near.write(bytes(hello('late', { room: name(4321) as never, after: { log: '*', n: 0 } })));
  await again;
  await firstValueFrom(endOfTurn$, { defaultValue: undefined });
  await firstValueFrom(endOfTurn$, { defaultValue: undefined });
  expect(heard).toContain(token('4321'));
  serving.unsubscribe();
}, 120_000);
