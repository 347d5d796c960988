import { filter, ignoreElements, interval, map, merge, Observable, share, tap } from 'rxjs';
import type { Engine } from './engine.js';

/** Interval in ms between checks, and how many rooms each of them covers: they bound the number of requests. */
const CHECK_INTERVAL_MS = 10_000;
const ROOMS_PER_CHECK = 100;

const LEADER_ELECTED = '$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*';

/**
 * Returns a function that emits `missed` for the follower of a room in a stream when live records may be missing.
 *
 * They can be lost with a connection, and while a stream changes its leader. Servers that lose each other can lose them
 * unnoticed, so the rooms are also checked in rotation.
 */
export const missedRecords = (
  engine: Engine,
  reconnected$: Observable<unknown>,
): ((stream: string) => Observable<'missed'>) => {
  const elected$ = engine.subscribe(LEADER_ELECTED).pipe(
    map(({ subject }) => subject.slice(subject.lastIndexOf('.') + 1)),
    share(),
  );
  /** The followers; the first one has waited longest for a check. */
  const followers = new Set<() => void>();
  const checks$ = interval(CHECK_INTERVAL_MS).pipe(
    tap(() => {
      for (const notify of [...followers].slice(0, ROOMS_PER_CHECK)) {
        followers.delete(notify);
        followers.add(notify);
        notify();
      }
    }),
    ignoreElements(),
    share(),
  );
  return (stream) =>
    new Observable((subscriber) => {
      const notify = () => {
        subscriber.next('missed');
      };
      followers.add(notify);
      subscriber.add(() => followers.delete(notify));
      const change$ = merge(reconnected$, elected$.pipe(filter((elected) => elected === stream)), checks$);
      subscriber.add(
        change$.subscribe({
          next: notify,
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
      );
    });
};
