/** The relay of the soak, in a process of its own, which tells on request what it holds. */
import { ignoreElements, switchMap, tap } from 'rxjs';
import { listenTcp, relay } from '../dist/src/index.js';
import { lmdbHistory } from '../dist/src/history/index.js';

const [dir] = process.argv.slice(2);

/** What a process holds, after a collection: bytes of heap, and how many of each kind of handle and timer. */
const held = () => {
  globalThis.gc();
  const kinds = process.getActiveResourcesInfo();
  const count = (pattern) => kinds.filter((kind) => pattern.test(kind)).length;
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: count(/TCP|Pipe/),
    timers: count(/Timeout|Immediate/),
  };
};

process.on('message', () => process.send({ held: held() }));

lmdbHistory({ dir, durability: 'os', keep: { bytes: 1_048_576 } })
  .pipe(
    switchMap((history) =>
      listenTcp({ host: '127.0.0.1', port: 0 }).pipe(
        tap(({ address }) => process.send({ port: address.port })),
        switchMap(({ connection$ }) =>
          connection$.pipe(relay({ history, window: 262_144, roomIdle: 10_000, gather: 1000 })),
        ),
      ),
    ),
    ignoreElements(),
  )
  .subscribe({
    error: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
