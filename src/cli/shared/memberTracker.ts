import { concatMap, defer, type OperatorFunction } from 'rxjs';
import { type ClientEvent } from '../../../streams/index.js';
import { addNicks } from '../../../streams/wire/index.js';

/** Tracks the members that the relay lists: at most 5000, valid nicks only. */
export interface MemberTracker {
  readonly members: ReadonlySet<string>;
  /**
   * Updates the members with an event and returns the events to pass on. Drops nicks that had already joined
   * or left. Members missing after a relay restart are expected back, so their return is not reported.
   */
  readonly update: (event: ClientEvent) => readonly ClientEvent[];
  /** Applies `update` to a stream. */
  readonly dedupePresence: () => OperatorFunction<ClientEvent, ClientEvent>;
}

/** Creates a tracker of the members of a room. */
export const memberTracker = (): MemberTracker => {
  let members = new Set<string>();
  let expected = new Set<string>();

  const update = (event: ClientEvent): ClientEvent[] => {
    switch (event.type) {
      case 'welcome': {
        const present = new Set<string>();
        addNicks(present, event.members ?? []);
        addNicks(
          expected,
          [...members].filter((nick) => !present.has(nick)),
        );
        members = present;
        return [event];
      }
      case 'joined': {
        if (event.nicks.length === 0) return [event];
        const nicks = event.nicks.filter((nick) => !members.has(nick) && !expected.has(nick));
        addNicks(members, event.nicks);
        for (const nick of event.nicks) expected.delete(nick);
        return nicks.length === 0 ? [] : [{ ...event, nicks, count: nicks.length }];
      }
      case 'left': {
        if (event.nicks.length === 0) return [event];
        const nicks = event.nicks.filter((nick) => members.has(nick) || expected.has(nick));
        for (const nick of event.nicks) members.delete(nick);
        for (const nick of event.nicks) expected.delete(nick);
        return nicks.length === 0 ? [] : [{ ...event, nicks, count: nicks.length }];
      }
      case 'log-changed':
        expected = new Set();
        return [event];
      default:
        return [event];
    }
  };

  return {
    get members() {
      return members;
    },
    update: update,
    dedupePresence: () => (event$) => defer(() => event$.pipe(concatMap(update))),
  };
};
