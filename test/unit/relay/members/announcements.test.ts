import { describe, expect, test } from '@jest/globals';
import { Announcements } from '../../../../streams/relay/members/announcements.js';
import { formatAnnouncement } from '../../../../streams/wire/entry.js';
import { MAX_LISTED_MEMBERS } from '../../../../streams/wire/handshake.js';

const flush = (announcements: Announcements, nickCount = 2): string[] =>
  announcements.flush(nickCount).map(formatAnnouncement);

/** Returns announcements with joins of nicks, and leaves of nicks after a minus sign. */
const pending = (...events: readonly string[]): Announcements => {
  const announcements = new Announcements();
  for (const event of events)
    if (event.startsWith('-')) announcements.addLeave(event.slice(1));
    else announcements.addJoin(event);
  return announcements;
};

describe('Announcements', () => {
  test('flush leaves before joins, once', () => {
    const announcements = pending('alice', '-bob', 'carol', '-dave');
    expect(flush(announcements)).toEqual(['-bob,dave', '+alice,carol']);
    expect(flush(announcements)).toEqual([]);
  });

  test('cancel a pending join when the member leaves, however its nick is spelled', () => {
    expect(flush(pending('alice', '-ALICE', 'bob'))).toEqual(['+bob']);
    expect(flush(pending('alice', '-alice', 'alice'))).toEqual(['+alice']);
    expect(flush(pending('-alice', 'alice'))).toEqual(['-alice', '+alice']);
  });

  test('cancel a join whose leave is announced elsewhere', () => {
    const announcements = pending('alice', 'bob');
    expect(announcements.cancelJoin('alice')).toBe(true);
    expect(announcements.cancelJoin('alice')).toBe(false);
    expect(flush(announcements)).toEqual(['+bob']);
  });

  test('cancel a leave whose member has joined elsewhere, however its nick is spelled', () => {
    const announcements = pending('-alice', '-bob');
    announcements.cancelLeave('ALICE');
    expect(flush(announcements)).toEqual(['-bob']);
  });

  test('tell whether the join of a member is pending', () => {
    const announcements = pending('alice', '-bob');
    expect(announcements.hasPendingJoin('ALICE')).toBe(true);
    expect(announcements.hasPendingJoin('bob')).toBe(false);
    flush(announcements);
    expect(announcements.hasPendingJoin('alice')).toBe(false);
  });

  test('have at most 100 nicks in a line, and only a number above 1000 members', () => {
    const nicks = Array.from({ length: 250 }, (_, n) => `n${n}`);
    const lengths = pending(...nicks)
      .flush(MAX_LISTED_MEMBERS)
      .map(({ count }) => count);
    expect(lengths).toEqual([100, 100, 50]);
    expect(pending(...nicks).flush(MAX_LISTED_MEMBERS + 1)).toEqual([
      { type: 'joined', nicks: [], count: 250 },
    ]);
  });

  test('begin an interval with the first event, and continue as long as there are more', () => {
    const announcements = new Announcements();
    expect(announcements.beginInterval()).toBe(false);
    announcements.addJoin('alice');
    expect(announcements.beginInterval()).toBe(true);
    announcements.addJoin('bob');
    expect(announcements.beginInterval()).toBe(false);
    expect(announcements.endInterval()).toBe(true);
    expect(announcements.beginInterval()).toBe(false);
    expect(announcements.endInterval()).toBe(false);
    announcements.addLeave('bob');
    expect(announcements.beginInterval()).toBe(true);
  });

  test('continue an interval although what arrived in it was flushed before a message', () => {
    const announcements = pending('alice');
    announcements.beginInterval();
    announcements.addJoin('bob');
    flush(announcements);
    expect(announcements.endInterval()).toBe(true);
  });

  test('have copies that do not affect them', () => {
    const announcements = pending('alice', '-bob');
    const copy = announcements.copy();
    expect(copy.beginInterval()).toBe(true);
    copy.addJoin('carol');
    copy.addLeave('dave');
    expect(flush(copy)).toEqual(['-bob,dave', '+alice,carol']);
    expect(announcements.beginInterval()).toBe(true);
    const next = announcements.copy();
    next.addJoin('eve');
    expect(next.beginInterval()).toBe(false);
    expect(announcements.endInterval()).toBe(false);
    expect(flush(announcements)).toEqual(['-bob', '+alice']);
  });
});
