/** Runs the relay of the soak in its own process, and reports its resources on request. */
import { ignoreElements, switchMap, tap } from 'rxjs';
import { listenTcp, relay } from '../dist/src/index.js';
import { lmdbHistory } from '../dist/src/history/index.js';

const [dir] = process.argv.slice(2);

/**
 * Returns the resources of a process after a collection: bytes of heap, and the number of handles and timers by kind.
 */
const usage = () => {
  globalThis.gc();
  const kinds = process.getActiveResourcesInfo();
  const count = (pattern) => kinds.filter((kind) => pattern.test(kind)).length;
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: count(/TCP|Pipe/),
    timers: count(/Timeout|Immediate/),
  };
};

process.on('message', () => process.send({ usage: usage() }));

lmdbHistory({ dir, durability: 'os', retention: { maxBytes: 1_048_576 } })
  .pipe(
    switchMap((history) =>
      listenTcp({ host: '127.0.0.1', port: 0 }).pipe(
        tap(({ address }) => process.send({ port: address.port })),
        switchMap(({ connection$ }) =>
          connection$.pipe(
            relay({ history: { store: history, windowBytes: 262_144 }, timing: { roomIdleMs: 10_000 } }),
          ),
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
