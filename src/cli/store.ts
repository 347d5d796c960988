import { join } from 'node:path';
import type { Retention } from '../history/index.js';
import { DURABILITIES } from './choices.js';
import { usageError } from './exit.js';
import { bytes, choice, type Flags, integer, span, text } from './flags.js';
import { stateDir } from './stateDir.js';

/** Where and how a relay keeps its rooms' history. */
export interface StoreOptions {
  readonly dir: string;
  readonly durability: 'disk' | 'os';
  readonly keep: Retention;
  /** Whether the clock is right, however far ahead it is of when the relay ran last. */
  readonly trustClock: boolean;
}

const DAY = 86_400_000;
const LARGEST = 2 ** 50;

/** `--data`, or the place that the platform has for it. */
export const readDir = (flags: Flags): string => text(flags, 'data') ?? join(stateDir(), 'relay');

/** What the flags of `serve` say of its store; `undefined`: memory alone. */
export const readStore = (flags: Flags): StoreOptions | undefined => {
  const durability = choice(flags, 'durability', DURABILITIES);
  const keep: Retention = {
    age: span(flags, 'keep', 1000, 36_500 * DAY) ?? 30 * DAY,
    bytes: bytes(flags, 'keepBytes', 65_536, LARGEST) ?? 64 * 2 ** 20,
    total: bytes(flags, 'keepTotal', 65_536, LARGEST) ?? 2 ** 30,
    ...entries(flags),
  };
  if (flags['memory'] !== true && durability !== 'memory')
    return { dir: readDir(flags), durability, keep, trustClock: flags['trustClock'] === true };
  for (const flag of ['data', 'keep', 'keepEntries', 'keepBytes', 'keepTotal', 'trustClock'])
    if (flags[flag] !== undefined)
      throw usageError(
        `history in memory alone has no use for --${flag.replace(/[A-Z]/, '-$&').toLowerCase()}`,
      );
  if (flags['memory'] === true && flags['durability'] !== undefined && durability !== 'memory')
    throw usageError(`--memory and --durability ${durability} exclude each other`);
  return undefined;
};

const entries = (flags: Flags): Retention => {
  const n = integer(flags, 'keepEntries', 1, Number.MAX_SAFE_INTEGER);
  return n === undefined ? {} : { entries: n };
};
