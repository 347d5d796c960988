import type { Heard } from '../../../streams/index.js';
import { type Cursor, cursors } from './cursor.js';
import type { Reading } from './delivery.js';
import type { Sifted } from './sieve.js';

export interface ReadingsOptions {
  readonly sift: (heard: Heard) => readonly Sifted[];
  readonly start: Cursor | undefined;
  /** The most messages. */
  readonly count: number;
  readonly failOnGap: boolean;
}

/** Makes readings of what was heard together, up to where it is enough. */
export interface Readings {
  readonly take: (batch: readonly Heard[]) => readonly Reading[];
  /** Why it is over, once it is. */
  readonly end: 'count' | 'gap' | undefined;
}

export const readings = ({ sift, start, count, failOnGap }: ReadingsOptions): Readings => {
  const advance = cursors(start);
  let seen = 0;
  let end: Readings['end'];

  const endAt = ({ heard, isWanted }: Sifted): Readings['end'] => {
    if (!isWanted) return undefined;
    if (failOnGap && (heard.type === 'gap' || heard.type === 'log-changed')) return 'gap';
    if (heard.type !== 'message') return undefined;
    seen += 1;
    return seen >= count ? 'count' : undefined;
  };

  return {
    take: (batch) => {
      const taken: Reading[] = [];
      const sifted = batch.flatMap(sift);
      for (const [at, each] of sifted.entries()) {
        if (end !== undefined) break;
        end = endAt(each);
        // It is told, and not passed: the next run is told again.
        const cursor = end === 'gap' ? undefined : advance(each.heard, sifted[at + 1]?.heard);
        taken.push({ ...each, cursor });
      }
      return taken;
    },
    get end() {
      return end;
    },
  };
};
