import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { addNicks, isNick } from '../wire/nick.js';
import type { Heard } from './conversation.js';

/** Who is in a room, as far as the relay tells. */
export interface Roster {
  /**
   * In the order in which they came, as far as they are known: of a room of thousands the relay only tells the number, and
   * at most 5000 are kept. It is the relay's word: it may name people who are not there, and leave others out.
   */
  readonly nicks: readonly string[];
  /** How many there are. */
  readonly count: number;
}

/**
 * What is heard in, who is here out, whenever that changes.
 *
 * Begins with the first `welcome`; each later one says it anew, so what a lost connection hid is mended. What was
 * announced before this client came in changes nothing, for `welcome` knows it. Completes and errors with its source.
 *
 * ```text
 * heard    --welcome(a)--joined b--message--left a--|
 *            roster()
 * roster   --[a]---------[a,b]--------------[b]-----|
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Heard, roster } from 'rxchat/streams';
 *
 * const here = (heard$: Observable<Heard>) => heard$.pipe(roster());
 */
export const roster = (): OperatorFunction<Heard, Roster> => (heard$) =>
  defer(() => {
    const nicks = new Set<string>();
    let count = 0;
    let since = 0;

    const told = (): Roster => ({ nicks: [...nicks], count });

    const hear = (heard: Heard): readonly Roster[] => {
      switch (heard.type) {
        case 'welcome':
          nicks.clear();
          addNicks(nicks, heard.members ?? []);
          count = heard.count;
          since = heard.next;
          return [told()];
        case 'joined': {
          if (heard.position < since) return [];
          const fresh = heard.nicks.filter((nick) => isNick(nick) && !nicks.has(nick));
          const more = heard.nicks.length > 0 ? fresh.length : heard.count;
          if (more === 0) return [];
          addNicks(nicks, fresh);
          count += more;
          return [told()];
        }
        case 'left': {
          if (heard.position < since) return [];
          const isWhole = nicks.size === count;
          const gone = heard.nicks.filter((nick) => nicks.delete(nick));
          const fewer = isWhole && heard.nicks.length > 0 ? gone.length : heard.count;
          if (fewer === 0) return [];
          count = Math.max(nicks.size, count - fewer);
          return [told()];
        }
        default:
          return [];
      }
    };

    return heard$.pipe(mergeMap(hear));
  });
