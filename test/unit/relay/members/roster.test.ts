import { describe, expect, test } from '@jest/globals';
import {
  type Occupant,
  Roster,
  type RosterChange,
  type RosterEntry,
} from '../../../../streams/relay/members/roster.js';
import { occupant, type TestOccupant } from '../../../support/occupants.js';

const alice = occupant('Alice', { owner: 'key' });
const there = occupant('ALICE', { owner: 'key', session: 'there' });
const bob = occupant('bob');

const joined = (member: TestOccupant, key = member.nick.toLowerCase()): RosterChange<TestOccupant> => ({
  type: 'joined',
  member,
  key,
  resumed: false,
});

const rosterOf = (...changes: readonly RosterChange<TestOccupant>[]): Roster<TestOccupant> => {
  const roster = new Roster<TestOccupant>();
  for (const change of changes) roster.apply(change);
  return roster;
};

const entriesOf = <M extends Occupant>(roster: Roster<M>): RosterEntry<M>[] => [...roster.entries()];

const joins = [joined(alice), joined(bob), joined(there)];

describe('Roster', () => {
  test('counts nicks and sessions, and lists nicks in the order of their first join', () => {
    const roster = rosterOf(...joins);
    expect(roster.count).toBe(2);
    expect(roster.sessionCount).toBe(3);
    expect(roster.nicks).toEqual(['Alice', 'bob']);
    expect(roster.findNick('alice')).toEqual({ nick: 'Alice', owner: 'key', sessions: ['Alice', 'there'] });
  });

  test('finds a member by its connection, and tells whether it is connected', () => {
    const roster = rosterOf(...joins, { type: 'away', member: bob });
    expect(roster.isConnected(alice)).toBe(true);
    expect(roster.isConnected({ ...alice })).toBe(true);
    expect(roster.isConnected({ ...alice, connection: 'r2.another' })).toBe(false);
    expect(roster.isConnected(bob)).toBe(false);
    expect(roster.findMember(bob)?.isAway).toBe(true);
  });

  test.each<[string, RosterChange<TestOccupant>]>([
    ['join', joined(bob)],
    ['absence', { type: 'away', member: bob }],
    ['removal', { type: 'removed', member: there }],
    ['leave', { type: 'left', member: bob, nick: 'bob' }],
  ])('applies a %s twice as once', (_, change) => {
    const once = rosterOf(...joins, change);
    expect(entriesOf(rosterOf(...joins, change, change))).toEqual(entriesOf(once));
  });

  test.each(['away', 'removed', 'left'] as const)(
    'ignores `%s` of a connection that it does not have',
    (type) => {
      for (const member of [occupant('carol'), { ...bob, connection: 'r2.another' }])
        expect(entriesOf(rosterOf(...joins, { type, member, nick: member.nick }))).toEqual(
          entriesOf(rosterOf(...joins)),
        );
    },
  );

  test('has a session under its new nick alone, even if the leave of the old one is missing', () => {
    const roster = rosterOf(...joins, joined(occupant('carol', { session: bob.session })));
    expect(roster.nicks).toEqual(['Alice', 'carol']);
    expect(roster.sessionCount).toBe(3);
  });

  test('keeps nicks apart that the writer of the changes keeps apart', () => {
    const roster = rosterOf(joined(occupant('bob')), joined(occupant('BOB', { session: 'other' }), 'BOB'));
    expect(roster.nicks).toEqual(['bob', 'BOB']);
  });

  test('has copies that do not affect it', () => {
    const roster = rosterOf(...joins);
    const before = entriesOf(roster);
    const copy = roster.copy();
    for (const member of [alice, there]) copy.apply({ type: 'removed', member });
    copy.apply({ type: 'away', member: bob });
    expect(entriesOf(copy)).toEqual([expect.objectContaining({ member: bob, isAway: true })]);
    expect(entriesOf(roster)).toEqual(before);
  });

  test('can be stored and restored, with its order, spellings and owners', () => {
    const roster = rosterOf(...joins, { type: 'away', member: there }, { type: 'removed', member: alice });
    const stored = JSON.stringify(entriesOf(roster));
    const restored = new Roster(JSON.parse(stored) as RosterEntry<TestOccupant>[]);
    expect(entriesOf(restored)).toEqual(entriesOf(roster));
    expect(restored.nicks).toEqual(['Alice', 'bob']);
    expect(restored.findNick('alice')).toEqual(roster.findNick('alice'));
  });
});
