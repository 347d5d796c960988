import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concatMap, from, map, timer } from 'rxjs';
import type { Member, MemberCommand } from '../../../../streams/relay/connection/parseCommands.js';
import {
  decideExpiry,
  decideJoin,
  decideLeave,
  type RosterLimits,
} from '../../../../streams/relay/members/decisions.js';
import { members } from '../../../../streams/relay/members/members.js';
import { Roster, type RosterChange, type RosterEntry } from '../../../../streams/relay/members/roster.js';
import { foldNick } from '../../../../streams/wire/nick.js';
import { marbles } from '../../../support/marbles.js';
import { occupant, type TestOccupant } from '../../../support/occupants.js';
import { batch, member, token } from '../../../support/wire.js';

const LIMITS = { maxRoomMembers: 4, maxConnectionsPerNick: 2 };
/** Odd, while commands arrive at even times: so nothing expires at the time of a command. */
const GRACE_MS = 5;

/** A command of some connection, some ms after the previous one. A connection that never joined makes another join. */
interface Step {
  readonly afterMs: number;
  readonly does: 'join' | 'bye' | 'reset' | 'tokens' | 'ping';
  readonly connection: number;
  readonly nick: string;
  readonly session: string;
  readonly owner: string | undefined;
  /** How many plans for this command another relay's batch makes void. */
  readonly voidPlans: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.constantFrom(0, 0, 2, 4, 8),
  does: fc.constantFrom('join', 'join', 'join', 'bye', 'reset', 'reset', 'tokens', 'ping'),
  connection: fc.nat({ max: 5 }),
  nick: fc.constantFrom('alice', 'ALICE', 'bob', 'carol'),
  session: fc.constantFrom('s1', 's2', 's3', 's4', 's5'),
  owner: fc.constantFrom(undefined, 'one', 'one', 'two'),
  voidPlans: fc.nat({ max: 2 }),
});

type PlannedCommand =
  | { readonly type: 'join'; readonly member: TestOccupant }
  | { readonly type: 'tokens' | 'ping'; readonly member: TestOccupant }
  | { readonly type: 'leave'; readonly member: TestOccupant; readonly reason: string };

interface TimedCommand extends Pick<Step, 'afterMs' | 'voidPlans'> {
  readonly command: PlannedCommand;
}

/** Makes commands of steps: each join has a new connection, and the others are of one of the latest connections. */
const commandsOf = (steps: readonly Step[]): TimedCommand[] => {
  const joined: TestOccupant[] = [];
  return steps.map(({ afterMs, voidPlans, does, connection, ...who }) => {
    const earlier = does === 'join' ? undefined : joined.at(-1 - connection);
    if (earlier === undefined || does === 'join') {
      const newcomer = occupant(who.nick, { ...who, connection: `c${joined.length}` });
      joined.push(newcomer);
      return { afterMs, voidPlans, command: { type: 'join', member: newcomer } };
    }
    const command: PlannedCommand =
      does === 'bye' || does === 'reset'
        ? { type: 'leave', member: earlier, reason: does }
        : { type: does, member: earlier };
    return { afterMs, voidPlans, command };
  });
};

/** What both rooms report, as text. */
type Report = string;

const reportJoin = (
  who: string,
  resumed: boolean,
  count: number,
  nicks: readonly string[] | undefined,
): Report => `${who} ${resumed ? 'resumed' : 'joined'}, ${count}: ${nicks?.join()}`;

/** Runs the operator, in virtual time. */
const runOperator = (commands: readonly TimedCommand[]): Report[] => {
  const connected = new Map<string, Member>();
  const reports: Report[] = [];
  const memberOf = (who: TestOccupant): Member => {
    const known =
      connected.get(who.connection) ?? member(who.nick, { session: who.session, owner: who.owner });
    connected.set(who.connection, known);
    return known;
  };
  const idOf = ({ connection }: Member): string =>
    [...connected].find(([, each]) => each.connection === connection)?.[0] ?? 'unknown';
  const toCommand = ({ command }: TimedCommand): MemberCommand => {
    const who = memberOf(command.member);
    switch (command.type) {
      case 'join':
        return { type: 'join', member: who };
      case 'tokens':
        return { type: 'tokens', member: who, lines: batch(token('x')) };
      case 'ping':
        return { type: 'ping', member: who };
      case 'leave':
        return { type: 'leave', member: who, reason: command.reason };
    }
  };

  marbles(() => {
    from(commands)
      .pipe(
        concatMap((timed) => timer(timed.afterMs).pipe(map(() => toCommand(timed)))),
        members({ ...LIMITS, reconnectGraceMs: GRACE_MS }),
      )
      .subscribe((event) => {
        const who = idOf(event.member);
        if (event.type === 'joined') reports.push(reportJoin(who, event.resumed, event.count, event.members));
        else if (event.type === 'left') reports.push(`${who} left ${event.member.nick}`);
        else if (event.type === 'refused') reports.push(`${who} refused ${event.code} ${event.text}`);
        else if (event.type === 'disconnected') reports.push(`${who} disconnected ${event.reason}`);
        else reports.push(`${who} ${event.type}`);
      });
  });
  return reports;
};

/** A room as several relays share it: the writer decides on copies, and a reader applies what the writer stored. */
class SharedRoom {
  readonly reports: Report[] = [];
  readonly reader = new Roster<TestOccupant>();
  roster = new Roster<TestOccupant>();
  #nowMs = 0;
  #expiries: { readonly atMs: number; readonly member: TestOccupant }[] = [];
  readonly #limits: RosterLimits<TestOccupant>;

  constructor(limits: RosterLimits<TestOccupant>) {
    this.#limits = limits;
  }

  run({ afterMs, voidPlans, command }: TimedCommand): void {
    const nowMs = this.#nowMs + afterMs;
    while ((this.#expiries[0]?.atMs ?? Infinity) <= nowMs) {
      const { atMs, member: expired } = this.#expiries.shift() as { atMs: number; member: TestOccupant };
      this.#nowMs = atMs;
      this.#write((roster) => decideExpiry(roster, expired, this.#limits), voidPlans);
    }
    this.#nowMs = nowMs;
    const { type, member: who } = command;
    if (type === 'join') this.#write((roster) => decideJoin(roster, who, this.#limits), voidPlans);
    else if (type === 'leave') this.#write((roster) => decideLeave(roster, who, command.reason), voidPlans);
    else if (this.roster.isConnected(who))
      this.reports.push(`${who.connection} ${type === 'ping' ? 'pinged' : type}`);
  }

  #write(decide: (roster: Roster<TestOccupant>) => RosterChange<TestOccupant>[], voidPlans: number): void {
    for (let plan = 0; plan < voidPlans; plan += 1) {
      const copy = this.roster.copy();
      for (const change of decide(copy)) copy.apply(change);
    }
    const next = this.roster.copy();
    const changes = decide(next);
    for (const change of changes) {
      next.apply(change);
      this.#report(change, next);
    }
    this.roster = next;
    const stored = JSON.stringify(changes);
    for (const change of JSON.parse(stored) as RosterChange<TestOccupant>[]) this.reader.apply(change);
  }

  #report(change: RosterChange<TestOccupant>, { count, nicks }: Roster<TestOccupant>): void {
    const who = change.member.connection;
    if (change.type === 'joined') this.reports.push(reportJoin(who, change.resumed, count, nicks));
    else if (change.type === 'left') this.reports.push(`${who} left ${change.nick}`);
    else if (change.type === 'refused') this.reports.push(`${who} refused ${change.code} ${change.text}`);
    else if (change.type === 'disconnected') this.reports.push(`${who} disconnected ${change.reason}`);
    else if (change.type === 'away')
      this.#expiries.push({ atMs: this.#nowMs + GRACE_MS, member: change.member });
  }
}

const entriesOf = (roster: Roster<TestOccupant>): RosterEntry<TestOccupant>[] => [...roster.entries()];

const run = (
  steps: readonly Step[],
  limits: RosterLimits<TestOccupant> = LIMITS,
  check: (room: SharedRoom) => void = () => undefined,
): SharedRoom => {
  const room = new SharedRoom(limits);
  for (const timed of commandsOf(steps)) {
    room.run(timed);
    check(room);
  }
  return room;
};

const steps = fc.array(step, { maxLength: 40, size: 'max' });

/** Every third connection is to a relay that is gone. */
const goneRelays: RosterLimits<TestOccupant> = {
  ...LIMITS,
  isAway: ({ connection }) => Number(connection.slice(1)) % 3 === 0,
};

const limits = fc.constantFrom(LIMITS, goneRelays);

describe('a room that decides on copies, some of which are thrown away', () => {
  test('reports the same events as the operator `members`', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(steps, (all) => {
        const { reports } = run(all);
        expect(reports).toStrictEqual(runOperator(commandsOf(all)));
        for (const report of reports) seen.add(report.split(' ').slice(1, 3).join(' '));
      }),
      { numRuns: 200, seed: 1 },
    );
    // The commands reach every kind of event.
    for (const kind of ['refused nick-taken', 'refused room-full', 'disconnected came', 'left alice'])
      expect(seen).toContain(kind);
  });

  test('has the roster of a reader that only applies the stored changes, and of one that loads it', () => {
    fc.assert(
      fc.property(steps, limits, (all, options) => {
        const { roster, reader } = run(all, options);
        const entries = entriesOf(roster);
        expect(entriesOf(reader)).toStrictEqual(entries);
        const stored = JSON.stringify(entries);
        const loaded = new Roster(JSON.parse(stored) as RosterEntry<TestOccupant>[]);
        expect(entriesOf(loaded)).toStrictEqual(entries);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  test('has each nick once, and no more sessions than its limits allow', () => {
    fc.assert(
      fc.property(steps, limits, (all, options) => {
        const most = { nicksPerFold: 0, sessions: 0, sessionsPerNick: 0 };
        run(all, options, ({ roster }) => {
          const sizes = roster.nicks.map((nick) => roster.findNick(foldNick(nick))?.sessions.length ?? 0);
          const folds = new Set(roster.nicks.map(foldNick));
          most.nicksPerFold = Math.max(most.nicksPerFold, roster.count / Math.max(folds.size, 1));
          most.sessions = Math.max(most.sessions, roster.sessionCount);
          most.sessionsPerNick = Math.max(most.sessionsPerNick, ...sizes);
          if (sizes.reduce((sum, size) => sum + size, 0) !== roster.sessionCount)
            throw new Error('a session has no nick');
        });
        expect(most.nicksPerFold).toBeLessThanOrEqual(1);
        expect(most.sessions).toBeLessThanOrEqual(LIMITS.maxRoomMembers);
        expect(most.sessionsPerNick).toBeLessThanOrEqual(LIMITS.maxConnectionsPerNick);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});
