import { map, type OperatorFunction, takeWhile, tap } from 'rxjs';
import type { Heard } from '../../../streams/index.js';
import { type Slice, slicesOfTurn } from '../output.js';
import { type Cursor, cursors } from './cursor.js';
import type { Reading } from './delivery.js';
import type { Pressure } from './pressure.js';
import type { Sifted } from './sieve.js';

export interface ReadingsOptions {
  readonly sift: (heard: Heard) => readonly Sifted[];
  readonly start: Cursor | undefined;
  /** The most messages. */
  readonly count: number;
  readonly failOnGap: boolean;
  /** Over after a message that has this text. */
  readonly until?: string | undefined;
}

/** Makes readings of what was heard in one turn, up to where it is enough. */
export interface Readings {
  readonly take: (slice: Slice<Heard>) => readonly Reading[];
  /** Why it is over, once it is. */
  readonly end: 'count' | 'gap' | 'until' | undefined;
}

export const readings = ({ sift, start, count, failOnGap, until }: ReadingsOptions): Readings => {
  const advance = cursors(start);
  let seen = 0;
  let end: Readings['end'];

  const endAt = ({ heard, isWanted }: Sifted): Readings['end'] => {
    if (!isWanted) return undefined;
    if (failOnGap && (heard.type === 'gap' || heard.type === 'log-changed')) return 'gap';
    if (heard.type !== 'message') return undefined;
    seen += 1;
    if (until !== undefined && heard.text.includes(until)) return 'until';
    return seen >= count ? 'count' : undefined;
  };

  return {
    take: ({ values, next }) => {
      const taken: Reading[] = [];
      const sifted = values.flatMap(sift);
      for (const [at, each] of sifted.entries()) {
        if (end !== undefined) break;
        end = endAt(each);
        // It is told, and not passed: the next run is told again.
        const cursor = end === 'gap' ? undefined : advance(each.heard, sifted[at + 1]?.heard ?? next);
        taken.push({ ...each, cursor });
      }
      return taken;
    },
    get end() {
      return end;
    },
  };
};

/**
 * What is heard in, readings out, those of one turn of the event loop in slices; completes where it is enough. `held` counts
 * what waits from the moment at which it is heard: in one turn a socket may be read many times.
 */
export const readTogether =
  (read: Readings, held: Pick<Pressure, 'add'>): OperatorFunction<Heard, readonly Reading[]> =>
  (heard$) =>
    heard$.pipe(
      tap(() => held.add(1)),
      slicesOfTurn(),
      map((slice) => {
        const taken = read.take(slice);
        held.add(taken.length - slice.values.length);
        return taken;
      }),
      takeWhile(() => read.end === undefined, true),
    );
