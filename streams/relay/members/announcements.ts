import type { Announcement } from '../../wire/entry.js';
import { MAX_LISTED_MEMBERS } from '../../wire/handshake.js';
import { foldNick } from '../../wire/nick.js';

/** Maximum number of nicks in a line: a third of the shortest reasonable line limit, even with the longest nicks. */
const MAX_NICKS_PER_LINE = 100;

/**
 * Joins and leaves that are not announced yet, and when to announce them.
 *
 * The first one starts an interval and is announced at once. The others wait for the end of the interval. The caller has the
 * timer: it calls `flush` and starts its timer when `beginInterval` or, after that time, `endInterval` returns true. A member
 * with a pending join has to be announced before its first message.
 *
 * @example
 * import type { Announcement } from '../../wire/entry.js';
 * import type { Announcements } from './announcements.js';
 *
 * const join = (announcements: Announcements, nick: string, count: number): Announcement[] => {
 *   announcements.addJoin(nick);
 *   return announcements.beginInterval() ? announcements.flush(count) : [];
 * };
 */
export class Announcements {
  /** Nicks by their folded form: members that share a nick can spell it differently. */
  #joins = new Map<string, string>();
  #leaves: string[] = [];
  #isCoalescing = false;
  #hasMore = false;

  addJoin(nick: string): void {
    this.#joins.set(foldNick(nick), nick);
    this.#hasMore = true;
  }

  /** Adds a leave, or cancels the pending join of the nick: then neither is announced. */
  addLeave(nick: string): void {
    if (!this.cancelJoin(nick)) this.#leaves.push(nick);
    this.#hasMore = true;
  }

  /** Removes the pending join of a nick, and returns whether there was one. */
  cancelJoin(nick: string): boolean {
    return this.#joins.delete(foldNick(nick));
  }

  /** Removes the pending leave of a nick that has joined at another relay. */
  cancelLeave(nick: string): void {
    this.#leaves = this.#leaves.filter((each) => foldNick(each) !== foldNick(nick));
  }

  /** More joins or leaves have arrived since the current interval began. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  hasPendingJoin(nick: string): boolean {
    return this.#joins.size > 0 && this.#joins.has(foldNick(nick));
  }

  /** Starts an interval if there is something new and none has started, and returns whether it did. */
  beginInterval(): boolean {
    if (this.#isCoalescing || !this.#hasMore) return false;
    return this.endInterval();
  }

  /** Ends an interval, and returns whether the next one starts because there is something new. */
  endInterval(): boolean {
    this.#isCoalescing = this.#hasMore;
    this.#hasMore = false;
    return this.#isCoalescing;
  }

  /** Removes and returns all that is pending, leaves first. With more than 1000 nicks in the room it has only numbers. */
  flush(nickCount: number): Announcement[] {
    const announcements = [
      ...linesOf('left', this.#leaves, nickCount),
      ...linesOf('joined', [...this.#joins.values()], nickCount),
    ];
    this.#leaves = [];
    this.#joins.clear();
    return announcements;
  }

  copy(): Announcements {
    const copy = new Announcements();
    copy.#joins = new Map(this.#joins);
    copy.#leaves = [...this.#leaves];
    copy.#isCoalescing = this.#isCoalescing;
    copy.#hasMore = this.#hasMore;
    return copy;
  }
}

const linesOf = (type: Announcement['type'], nicks: readonly string[], nickCount: number): Announcement[] => {
  if (nicks.length === 0) return [];
  if (nickCount > MAX_LISTED_MEMBERS) return [{ type, nicks: [], count: nicks.length }];
  const head = nicks.slice(0, MAX_NICKS_PER_LINE);
  const line = { type, nicks: head, count: head.length };
  return [line, ...linesOf(type, nicks.slice(MAX_NICKS_PER_LINE), nickCount)];
};
