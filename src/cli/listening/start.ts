import type { Resume } from '../../../streams/index.js';
import { usageError } from '../exit.js';
import { type Flags, flagName, integer, pastTime } from '../flags.js';
import { type Cursor, resumeOf } from './cursor.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** Where a listener begins. */
export interface Start {
  readonly after: Resume | undefined;
  readonly last: number | undefined;
  /** Leave out what is older, in ms since 1970. */
  readonly since: number | undefined;
  /** How many lines of the first entry were taken before. */
  readonly taken: Cursor | undefined;
}

/**
 * `--after`, `--last` or `--since`; where there is a cursor, that. Without any of them `--until-now` begins with the oldest
 * entry.
 */
export const readStart = (flags: Flags, cursor: Cursor | undefined, now: number): Start => {
  const [one, two] = ['after', 'last', 'since'].filter((key) => flags[key] !== undefined);
  if (one !== undefined && two !== undefined)
    throw usageError(
      `${flagName(one)} and ${flagName(two)} are two places to begin`,
      'leave one of them away',
    );
  const n = integer(flags, 'after', 0, MAX);
  const last = integer(flags, 'last', 0, MAX);
  const since = pastTime(flags, 'since', now);

  if (cursor !== undefined)
    return {
      after: resumeOf(cursor),
      last: undefined,
      since: undefined,
      taken: cursor,
    };
  const isAll = since !== undefined || (flags['untilNow'] === true && last === undefined);
  const begin = n ?? (isAll ? 0 : undefined);
  return {
    after: begin === undefined ? undefined : { log: '*', n: begin },
    last,
    since,
    taken: undefined,
  };
};
