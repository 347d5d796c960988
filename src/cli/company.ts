import { concatMap, defer, type OperatorFunction } from 'rxjs';
import { addNicks, type Heard } from '../../streams/index.js';

/** Who is in the room, as far as the relay tells: at most 5000 nicks, and no text that is no nick. */
export interface Company {
  readonly members: ReadonlySet<string>;
  /**
   * Takes what was heard, and gives of it only what is news: of `joined` and `left` the nicks that were not there, or were. Who is
   * missing from a relay that was restarted is on the way back and comes in unseen.
   */
  readonly hear: (heard: Heard) => readonly Heard[];
  /** The same for a stream. */
  readonly news: () => OperatorFunction<Heard, Heard>;
}

export const company = (): Company => {
  let members = new Set<string>();
  let expected = new Set<string>();

  const see = (heard: Heard): Heard[] => {
    switch (heard.type) {
      case 'welcome': {
        const here = new Set<string>();
        addNicks(here, heard.members ?? []);
        addNicks(
          expected,
          [...members].filter((nick) => !here.has(nick)),
        );
        members = here;
        return [heard];
      }
      case 'joined': {
        if (heard.nicks.length === 0) return [heard];
        const nicks = heard.nicks.filter((nick) => !members.has(nick) && !expected.has(nick));
        addNicks(members, heard.nicks);
        for (const nick of heard.nicks) expected.delete(nick);
        return nicks.length === 0 ? [] : [{ ...heard, nicks, count: nicks.length }];
      }
      case 'left': {
        if (heard.nicks.length === 0) return [heard];
        const nicks = heard.nicks.filter((nick) => members.has(nick) || expected.has(nick));
        for (const nick of heard.nicks) members.delete(nick);
        for (const nick of heard.nicks) expected.delete(nick);
        return nicks.length === 0 ? [] : [{ ...heard, nicks, count: nicks.length }];
      }
      case 'log-changed':
        expected = new Set();
        return [heard];
      default:
        return [heard];
    }
  };

  return {
    get members() {
      return members;
    },
    hear: see,
    news: () => (heard$) => defer(() => heard$.pipe(concatMap(see))),
  };
};
