import { describe, expect, test } from '@jest/globals';
import {
  decideExpiry,
  decideJoin,
  decideLeave,
  type RosterLimits,
} from '../../../../streams/relay/members/decisions.js';
import { Roster, type RosterChange } from '../../../../streams/relay/members/roster.js';
import { describeChange, occupant, type TestOccupant } from '../../../support/occupants.js';

const alice = occupant('alice');
const again = occupant('alice', { connection: 'r2.again' });
const other = occupant('alice', { session: 'other' });
const bob = occupant('bob');

const applied = (
  roster: Roster<TestOccupant>,
  changes: readonly RosterChange<TestOccupant>[],
): Roster<TestOccupant> => {
  for (const change of changes) roster.apply(change);
  return roster;
};

const rosterOf = (...members: readonly TestOccupant[]): Roster<TestOccupant> =>
  members.reduce((roster, member) => applied(roster, decideJoin(roster, member)), new Roster<TestOccupant>());

const leave = (roster: Roster<TestOccupant>, member: TestOccupant): Roster<TestOccupant> =>
  applied(roster, decideLeave(roster, member, 'reset'));

const isOfGoneRelay = ({ connection }: TestOccupant): boolean => connection.startsWith('r1.');

describe('decideJoin', () => {
  const join = (roster: Roster<TestOccupant>, member: TestOccupant, limits?: RosterLimits<TestOccupant>) =>
    decideJoin(roster, member, limits).map(describeChange);

  test('admits, resumes and refuses members, and leaves the roster as it is', () => {
    const roster = rosterOf(alice);
    expect(join(roster, bob)).toEqual(['bob joined']);
    expect(join(roster, other)).toEqual(['alice refused: nick-taken']);
    expect(join(roster, again)).toEqual([
      'alice disconnected: came back over another connection',
      'alice resumed',
    ]);
    expect(join(roster, bob, { maxRoomMembers: 1 })).toEqual(['bob refused: room-full']);
    expect([...roster.entries()]).toEqual([...rosterOf(alice).entries()]);
  });

  test('gives the nick of a member that is away to another one', () => {
    expect(join(leave(rosterOf(alice), alice), other)).toEqual(['alice left', 'alice joined']);
  });

  test('gives the nick of a member whose relay is gone to another one, and ends its connection', () => {
    expect(join(rosterOf(alice), other, { isAway: isOfGoneRelay })).toEqual([
      'alice disconnected: its relay was silent for too long',
      'alice left',
      'alice joined',
    ]);
    expect(join(rosterOf(again), other, { isAway: isOfGoneRelay })).toEqual(['alice refused: nick-taken']);
  });

  test('lists a nick as its first member spelled it until the last one has left', () => {
    const roster = rosterOf(
      occupant('Alice', { owner: 'key' }),
      occupant('ALICE', { owner: 'key', session: 'other' }),
    );
    const [first, second] = [...roster.entries()].map(({ member }) => member);
    applied(roster, decideLeave(roster, first as TestOccupant, 'bye'));
    expect(roster.nicks).toEqual(['Alice']);
    expect(decideLeave(roster, second as TestOccupant, 'bye').map(describeChange)).toEqual([
      'ALICE disconnected: bye',
      'Alice left',
    ]);
  });

  test('replaces a session of the same owner that is away when the nick has all its connections', () => {
    const here = occupant('alice', { owner: 'key' });
    const there = occupant('alice', { owner: 'key', session: 'there' });
    const limits = { maxConnectionsPerNick: 1 };
    expect(join(rosterOf(here), there, limits)).toEqual(['alice refused: nick-taken']);
    const roster = leave(rosterOf(here, bob), here);
    const changes = decideJoin(roster, there, limits);
    expect(changes.map(describeChange)).toEqual(['alice resumed', 'alice removed']);
    applied(roster, changes);
    expect(roster.nicks).toEqual(['alice', 'bob']);
    expect(roster.sessionCount).toBe(2);
    expect(join(rosterOf(here), there, { ...limits, isAway: isOfGoneRelay })).toEqual([
      'alice resumed',
      'alice disconnected: its relay was silent for too long',
      'alice removed',
    ]);
  });
});

describe('decideLeave', () => {
  test('ends a membership after BYE, and lets a member resume after any other end', () => {
    const roster = rosterOf(alice);
    expect(decideLeave(roster, alice, 'bye').map(describeChange)).toEqual([
      'alice disconnected: bye',
      'alice left',
    ]);
    expect(decideLeave(roster, alice, 'reset').map(describeChange)).toEqual([
      'alice disconnected: reset',
      'alice away',
    ]);
  });

  test('returns nothing if the member is away, has another connection, or is not in the room', () => {
    const roster = leave(rosterOf(alice), alice);
    for (const who of [alice, again, bob]) expect(decideLeave(roster, who, 'bye')).toEqual([]);
  });
});

describe('decideExpiry', () => {
  test('ends the membership of a member that is still away, or whose relay is gone', () => {
    const roster = rosterOf(alice);
    expect(decideExpiry(roster, alice)).toEqual([]);
    expect(decideExpiry(roster, alice, { isAway: isOfGoneRelay }).map(describeChange)).toEqual([
      'alice disconnected: its relay was silent for too long',
      'alice left',
    ]);
    expect(decideExpiry(leave(roster, alice), alice).map(describeChange)).toEqual(['alice left']);
  });

  test('returns nothing if the member has resumed', () => {
    const roster = leave(rosterOf(alice), alice);
    applied(roster, decideJoin(roster, again));
    expect(decideExpiry(roster, alice, { isAway: () => true })).toEqual([]);
  });
});
