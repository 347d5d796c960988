import { defer, EMPTY, filter, map, merge, type Observable, share, switchMap, timer } from 'rxjs';
import type { Engine } from './engine.js';

const LEADER_ELECTED = '$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*';

/** Time in ms until all servers of a cluster know of a subscription. Records of this time may be missing. */
const SETTLE_MS = 500;

/**
 * Returns a function that emits `missed` for the followers of rooms in a stream when live records may be missing. They can
 * be lost with a connection, while a subscription is new in a cluster, and while a stream changes its leader.
 */
export const missedRecords = (
  engine: Engine,
  reconnected$: Observable<unknown>,
): ((stream: string) => Observable<'missed'>) => {
  const elected$ = engine.subscribe(LEADER_ELECTED).pipe(
    map(({ subject }) => subject.slice(subject.lastIndexOf('.') + 1)),
    share(),
  );
  const settled$ = defer(() => (engine.server()?.cluster === undefined ? EMPTY : timer(SETTLE_MS)));
  return (stream) =>
    merge(
      settled$,
      reconnected$,
      reconnected$.pipe(switchMap(() => settled$)),
      elected$.pipe(filter((elected) => elected === stream)),
    ).pipe(map(() => 'missed' as const));
};
