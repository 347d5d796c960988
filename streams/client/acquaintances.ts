import { foldNick } from '../wire/nick.js';
import type { FirstSight, KeyChanged } from './alarm.js';
import type { Envelope } from './envelope.js';

/** Who goes by which key. */
export interface Acquaintances {
  /** Takes note of who said something, and says what is new about that. */
  meet(who: Pick<Envelope, 'nick' | 'key'>, position: number): readonly (FirstSight | KeyChanged)[];
}

/** How many nicks are remembered besides those that were known before. */
const KEPT = 4096;

/**
 * Nicks are claims, keys are people: tells the first sight of a nick, and when it comes with another key.
 *
 * Nicks that look the same are the same (`foldNick`). `known` are those of earlier runs; of the others the `keep` newest
 * are remembered. A change is told once: from then on the new key is the nick's.
 *
 * ```text
 * nick, key   bob K1        bob K1   Bob K2          bob K2
 * meet        first-sight   -        key-changed     -
 * ```
 *
 * @example
 * import { acquaintances } from 'rxchat/streams';
 *
 * const { meet } = acquaintances({ known: new Map([['bob', 'K1']]) });
 * console.log(meet({ nick: 'bob', key: 'K2' }, 7)); // [{ type: 'key-changed', ..., before: 'K1' }]
 */
export const acquaintances = ({
  known = new Map(),
  keep = KEPT,
}: {
  known?: ReadonlyMap<string, string> | undefined;
  keep?: number;
} = {}): Acquaintances => {
  const before = new Map([...known].map(([nick, key]) => [foldNick(nick), key]));
  const met = new Map<string, string>();

  return {
    meet: ({ nick, key }, position) => {
      const name = foldNick(nick);
      const last = met.get(name) ?? before.get(name);
      // Put in again, it is the newest.
      met.delete(name);
      met.set(name, key);
      for (const oldest of met.keys()) {
        if (met.size <= keep) break;
        met.delete(oldest);
      }
      if (last === key) return [];
      return last === undefined
        ? [{ type: 'first-sight', position, nick, key }]
        : [{ type: 'key-changed', position, nick, key, before: last }];
    },
  };
};
