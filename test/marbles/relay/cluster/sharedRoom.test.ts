import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { delay, map, switchMap, throwError, timer } from 'rxjs';
import { formatBatch } from '../../../../streams/relay/cluster/batch.js';
import { AppendConflictError, type LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { type FakeEngine, fakeEngine } from '../../../support/fakeLedger.js';
import {
  hasLine,
  readRoom,
  type RelayClient,
  type Relays,
  type RelaysOptions,
  startRelays,
} from '../../../support/relays.js';
import { roomBatch, sharedMember } from '../../../support/roomBatches.js';
import { LOBBY, token } from '../../../support/wire.js';

const FROM_START = { after: { log: '*', n: 0 } };

let engine: FakeEngine;
let relays: Relays;

// Several relays with timers of many lengths are hard to draw, so these are fake timers and not marbles.
beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  engine = fakeEngine();
});
afterEach(() => {
  relays.stop();
  jest.useRealTimers();
});

const start = (more: Partial<RelaysOptions> = {}) => {
  relays = startRelays({ engine, count: 2, ...more });
  pass(100);
};
const pass = (ms: number) => jest.advanceTimersByTime(ms);
const linesOf = ({ lines }: RelayClient) => lines.filter((line) => !line.startsWith('WELCOME'));
const welcomeOf = ({ lines }: RelayClient) => lines[0]?.replace(/^WELCOME log=\S+ /, '');
const logOf = ({ lines }: RelayClient) => /^WELCOME log=(\S+)/.exec(lines[0] ?? '')?.[1];
const reasonsOf = (client: RelayClient) =>
  relays.events.flatMap(({ event }) =>
    event.type === 'disconnected' && event.member === client.member ? [event.reason] : [],
  );

describe('a room at two relays', () => {
  test('is one log, in one order, for the members of both', () => {
    start();
    const alice = relays.join(0, 'alice', FROM_START);
    pass(100);
    const bob = relays.join(1, 'bob', FROM_START);
    pass(100);
    alice.send('x');
    pass(20);
    bob.send('y');
    pass(1000);
    expect(linesOf(alice)).toStrictEqual(linesOf(bob));
    expect(linesOf(alice)).toStrictEqual(['+alice', '+bob', ...[token('x'), token('y')]]);
    expect(welcomeOf(bob)).toBe('next=2 first=1 from=1 durability=disk count=2 members=alice,bob');
    expect([alice.stored, bob.stored]).toStrictEqual([1, 1]);
  });

  test('appends a batch again, with growing pauses, while a leader refuses it without another one', () => {
    let isRefused = false;
    let appends = 0;
    start({
      count: 1,
      wrap: (ledger) => ({
        ...ledger,
        append: (...record) => {
          appends += 1;
          return isRefused
            ? timer(1).pipe(switchMap(() => throwError(() => new AppendConflictError())))
            : ledger.append(...record);
        },
      }),
    });
    const alice = relays.join(0, 'alice', FROM_START);
    pass(1000);
    isRefused = true;
    appends = 0;
    alice.send('x');
    pass(10_000);
    expect(appends).toBeGreaterThan(3);
    expect(appends).toBeLessThan(15);
    isRefused = false;
    pass(6000);
    expect(linesOf(alice)).toStrictEqual(['+alice', token('x')]);
  });

  test('has the first position of the records that are kept', () => {
    start({ count: 1 });
    const alice = relays.join(0, 'alice');
    pass(2000);
    for (let n = 0; n < 40; n += 1) {
      alice.send(`${n}`);
      pass(20);
    }
    engine.dropBefore(LOBBY, engine.records(LOBBY).at(-10)!.address);
    relays.start(1);
    const bob = relays.join(1, 'bob');
    pass(100);
    expect(welcomeOf(bob)).toMatch(/^next=42 first=32 /);
  });

  test.each([
    ['nobody sends', Infinity],
    ['somebody sends rarely', 15_000],
  ])(
    'keeps its members, its log and its positions for longer than the engine keeps records, if %s',
    (_, ms) => {
      engine = fakeEngine({ maxAgeMs: 60_000 });
      start();
      const alice = relays.join(0, 'alice');
      const bob = relays.join(1, 'bob');
      pass(2000);
      const sent = Math.floor(400_000 / ms);
      for (let n = 0; n < sent; n += 1) {
        alice.send(`${n}`);
        pass(ms);
      }
      pass(400_000 - sent * Math.min(ms, 400_000));
      relays.start(2);
      const carol = relays.join(2, 'carol');
      pass(2000);
      expect([alice.isOpen, bob.isOpen, carol.isOpen]).toStrictEqual([true, true, true]);
      expect(welcomeOf(carol)).toMatch(new RegExp(`^next=${sent + 3} .* members=alice,bob,carol$`));
      expect(logOf(carol)).toBe(logOf(alice));
      expect(linesOf(alice).at(-1)).toBe('+carol');
    },
  );

  test('keeps its members if the last snapshot was nearly expired when they joined', () => {
    engine = fakeEngine({ maxAgeMs: 60_000 });
    start({ count: 1 });
    const alice = relays.join(0, 'alice');
    pass(3000);
    alice.leave('bye');
    pass(3000);
    relays.kill(0);
    pass(50_000);
    relays.start(1);
    const bob = relays.join(1, 'bob');
    for (let n = 0; n < 3; n += 1) {
      pass(2000);
      bob.send(`${n}`);
    }
    relays.start(2);
    const carol = relays.join(2, 'carol');
    pass(1000);
    expect(welcomeOf(carol)).toMatch(/ members=bob,carol$/);
  });

  test('continues its log at a later position after all records have expired, and reports a gap', () => {
    engine = fakeEngine({ maxAgeMs: 60_000 });
    start();
    const alice = relays.join(0, 'alice');
    const bob = relays.join(1, 'bob');
    pass(2000);
    for (let n = 0; n < 10; n += 1) {
      alice.send(`${n}`);
      pass(20);
    }
    for (const client of [alice, bob]) client.leave('bye');
    pass(100_000);
    expect(engine.records(LOBBY)).toStrictEqual([]);
    relays.kill(0);
    relays.start(2);
    const carol = relays.join(2, 'carol', { after: { log: logOf(alice) ?? '', n: 12 } });
    pass(5000);
    // A relay that has had the room in memory since then.
    const dave = relays.join(1, 'dave', FROM_START);
    pass(2000);
    expect(logOf(carol)).toBe(logOf(alice));
    expect(logOf(dave)).toBe(logOf(alice));
    const first = Number(/ first=(\d+)/.exec(carol.lines[0] ?? '')?.[1]);
    expect(first).toBeGreaterThan(12);
    expect(first).toBeLessThan(5000);
    expect(linesOf(carol)).toStrictEqual([`GAP 13 ${first - 1}`, '+carol', '+dave']);
    expect(linesOf(dave)).toStrictEqual([`GAP 1 ${first - 1}`, '+carol', '+dave']);
    expect(welcomeOf(dave)).toMatch(new RegExp(`^next=\\d+ first=${first} from=1 `));
    relays.start(3);
    const eve = relays.join(3, 'eve', FROM_START);
    pass(2000);
    expect(linesOf(eve)).toStrictEqual([`GAP 1 ${first - 1}`, '+carol', '+dave', '+eve']);
  });

  test('is written to no more once its members have left', () => {
    engine = fakeEngine({ maxAgeMs: 60_000 });
    start();
    const alice = relays.join(0, 'alice');
    pass(30_000);
    expect(engine.records(LOBBY).length).toBeGreaterThan(1);
    alice.leave('bye');
    pass(100_000);
    expect(engine.records(LOBBY)).toStrictEqual([]);
  });

  test('has a nick once, and a session at one relay', () => {
    start();
    const first = relays.join(0, 'alice');
    pass(100);
    const stranger = relays.join(1, 'alice', { session: 'of somebody else' });
    pass(100);
    expect(stranger.lines).toStrictEqual(['ERR nick-taken the nick is taken in this room']);
    const again = relays.join(1, 'alice');
    pass(100);
    expect(first.isOpen).toBe(false);
    expect(reasonsOf(first)).toStrictEqual(['came back over another connection']);
    expect(again.isOpen).toBe(true);
    expect(readRoom(engine).lines).toStrictEqual(['+alice']);
  });

  test('admits a member whose nick was freed at the other relay, which has not read of it yet', () => {
    start({
      wrap: (ledger) => ({ ...ledger, follow: (room) => ledger.follow(room).pipe(delay(1000)) }),
    });
    const first = relays.join(0, 'alice');
    pass(3000);
    first.leave('bye');
    pass(300);
    const second = relays.join(1, 'alice', { session: 'of somebody else' });
    pass(300);
    expect(second.lines[0]).toMatch(/^WELCOME /);
  });

  test('admits one of two sessions that want a nick at the same moment', () => {
    start();
    const both = [relays.join(0, 'alice'), relays.join(1, 'alice', { session: 'of somebody else' })];
    pass(1000);
    expect(both.map(({ isOpen }) => isOpen).sort()).toStrictEqual([false, true]);
    expect(both.filter(({ lines }) => lines[0]?.startsWith('ERR nick-taken'))).toHaveLength(1);
  });

  test('stores lines of both that arrive at the same moment, each once', () => {
    start();
    const clients = [relays.join(0, 'alice', FROM_START), relays.join(1, 'bob', FROM_START)];
    pass(1500);
    for (let round = 0; round < 20; round += 1) {
      for (const client of clients) client.send(`${client.member.nick}${round}`);
      pass(7);
    }
    pass(1000);
    const { lines } = readRoom(engine);
    const tokens = lines.filter((line) => line.startsWith('gAAAA'));
    expect([tokens.length, new Set(tokens).size]).toStrictEqual([40, 40]);
    expect(clients.map(({ stored }) => stored)).toStrictEqual([20, 20]);
    for (const client of clients) expect(linesOf(client)).toStrictEqual(lines);
  });

  test('announces that a member has left if its relay is gone and it does not come back', () => {
    start();
    const alice = relays.join(0, 'alice');
    relays.join(1, 'bob');
    relays.join(1, 'carol');
    pass(10_000);
    relays.kill(1);
    pass(4000);
    relays.join(0, 'carol');
    pass(8000);
    expect(linesOf(alice)).not.toContain('-carol');
    expect(linesOf(alice)).toContain('-bob');
    expect(readRoom(engine).roster.nicks.sort()).toStrictEqual(['alice', 'carol']);
  });

  test('closes the members of a relay that others counted as gone', () => {
    start();
    relays.join(0, 'alice');
    const bob = relays.join(1, 'bob');
    pass(10_000);
    relays.cut(1);
    pass(15_000);
    expect(bob.isOpen).toBe(true);
    relays.heal(1);
    pass(10_000);
    expect(reasonsOf(bob)).toStrictEqual(['another relay counted it as gone']);
    expect(bob.isOpen).toBe(false);
  });

  test('delivers what was accepted and says BYE when a relay stops', () => {
    start();
    const alice = relays.join(0, 'alice');
    const bob = relays.join(1, 'bob', FROM_START);
    pass(2000);
    alice.send('x');
    relays.drain(0);
    pass(1000);
    expect(alice.lines.slice(-2)).toStrictEqual([token('x'), 'BYE shutdown 1000']);
    expect(bob.lines.at(-1)).toBe(token('x'));
  });
});

describe('an engine that does not answer', () => {
  test('lets members wait, then refuses those that wait, and new ones until it answers', () => {
    start({ room: { storeTimeoutMs: 30_000 } });
    const alice = relays.join(0, 'alice');
    const bob = relays.join(0, 'bob');
    pass(2000);
    relays.cut(0);
    alice.send('x');
    pass(29_000);
    expect([alice.isOpen, bob.isOpen]).toStrictEqual([true, true]);
    pass(6000);
    expect(alice.lines.at(-1)).toBe('ERR storage the relay cannot store anything now');
    expect([alice.isOpen, bob.isOpen]).toStrictEqual([false, true]);
    const carol = relays.join(0, 'carol');
    pass(10);
    expect(carol.lines).toStrictEqual(['ERR storage the relay cannot store anything now']);
    relays.heal(0);
    pass(10_000);
    const dave = relays.join(0, 'dave');
    pass(1000);
    expect(dave.isOpen).toBe(true);
    expect(dave.lines[0]).toMatch(/^WELCOME /);
  });

  test('is asked at most a few times a second', () => {
    let requests = 0;
    start({
      wrap: (ledger) => ({
        ...ledger,
        append: (...args) => {
          requests += 1;
          return ledger.append(...args);
        },
        last: (...args) => {
          requests += 1;
          return ledger.last(...args);
        },
      }),
    });
    const alice = relays.join(0, 'alice');
    pass(2000);
    relays.cut(0);
    requests = 0;
    alice.send('x');
    pass(60_000);
    expect(requests).toBeLessThan(60);
    expect(requests).toBeGreaterThan(5);
  });
});

describe('records that a relay cannot read on from', () => {
  const REFUSED = 'ERR storage the relay cannot store anything now';

  test('of a newer version refuse the members, and new ones', () => {
    start({ count: 1 });
    const alice = relays.join(0, 'alice');
    pass(100);
    engine.store(LOBBY, Buffer.from('batch/2 something'));
    pass(1000);
    const bob = relays.join(0, 'bob');
    pass(1000);
    expect([alice.lines.at(-1), bob.lines.at(-1)]).toStrictEqual([REFUSED, REFUSED]);
    const reasons = relays.events.flatMap(({ event }) => (event.type === 'not-stored' ? [event.reason] : []));
    expect(reasons[0]).toBe('the room was written by a newer relay; update this one');
  });

  /** Damages a record of the room at the second relay, in what replicas and perhaps the leader give to it. */
  const startDiverged = (isLeaderWrong: boolean) => {
    const damage = (record: LedgerRecord) =>
      hasLine(record.bytes, token('damaged')) ? { ...record, bytes: Buffer.from('damaged') } : record;
    start({
      wrap: (ledger) =>
        ledger.relayId.startsWith('relay0')
          ? ledger
          : {
              ...ledger,
              follow: (room) =>
                ledger.follow(room).pipe(map((each) => (each === 'missed' ? each : damage(each)))),
              read: (room, address, options) =>
                ledger
                  .read(room, address, options)
                  .pipe(map((each) => (options?.isFresh === true && !isLeaderWrong ? each : damage(each)))),
            },
    });
    const alice = relays.join(0, 'alice', FROM_START);
    const bob = relays.join(1, 'bob', FROM_START);
    pass(2000);
    alice.send('damaged');
    pass(50);
    return { alice, bob };
  };
  const sendThree = (alice: RelayClient, mark: string, bob?: RelayClient) => {
    for (let n = 0; n < 3; n += 1) {
      alice.send(`${mark}${n}`);
      pass(50);
      if (n < 2) bob?.send(`${mark}${n} of bob`);
      pass(50);
    }
  };
  const reportedReasons = () =>
    relays.events.flatMap(({ event }) => (event.type === 'not-stored' ? [event.reason] : []));

  test('because a replica has others close its members, and are read from the leader then', () => {
    const { alice, bob } = startDiverged(false);
    sendThree(alice, 'a', bob);
    expect(bob.lines.at(-1)).toBe(REFUSED);
    const again = relays.join(1, 'bob', FROM_START);
    pass(2000);
    again.send('e');
    alice.send('f');
    pass(2000);
    expect(reportedReasons()).toStrictEqual(['the engine gave other records to other relays']);
    expect(linesOf(again)).toStrictEqual(linesOf(alice));
    expect(linesOf(alice)).toStrictEqual(readRoom(engine).lines);
    expect(linesOf(alice)).toContain(token('e'));
  });

  test('because the leader has others, too, refuse the room for a while, and other relays continue', () => {
    const { alice } = startDiverged(true);
    sendThree(alice, 'a');
    relays.join(1, 'bob');
    pass(50);
    sendThree(alice, 'b');
    const refused = relays.join(1, 'bob');
    pass(50);
    expect(refused.lines).toStrictEqual([REFUSED]);
    expect(reportedReasons().at(-1)).toBe(
      'the servers of the engine have different records of the room; compare its replicas',
    );
    expect(alice.isOpen).toBe(true);
    expect(linesOf(alice)).toContain(token('b2'));
    pass(400_000);
    const bob = relays.join(1, 'bob', FROM_START);
    pass(2000);
    expect(bob.lines[0]).toMatch(/^WELCOME /);
  });

  /** Two members at two relays, and a third relay; then the engine loses its last record. */
  const loseEnd = () => {
    start({ checkMs: 1000 });
    const clients = [relays.join(0, 'alice'), relays.join(1, 'bob')] as const;
    pass(2000);
    clients[0].send('kept');
    pass(100);
    clients[0].send('lost');
    pass(100);
    engine.loseFrom(engine.records(LOBBY).at(-1)!.address);
    return clients;
  };
  test('of an engine that has lost its end close the members of all relays, and another log begins', () => {
    const [alice, bob] = loseEnd();
    pass(10_000);
    expect([alice.lines.at(-1), bob.lines.at(-1)]).toStrictEqual([REFUSED, REFUSED]);
    const again = relays.join(0, 'alice', FROM_START);
    pass(2000);
    const { log, lines } = readRoom(engine);
    expect(logOf(again)).toBe(log);
    expect(log).not.toBe(logOf(alice));
    expect(linesOf(again)).toStrictEqual(lines);
    expect(lines).not.toContain(token('kept'));
  });

  test('of an engine that has lost its end begin one log, whichever relay notices first', () => {
    loseEnd();
    pass(10_000);
    const again = [relays.join(0, 'alice', FROM_START), relays.join(1, 'bob', FROM_START)];
    pass(2000);
    relays.start(2);
    const carol = relays.join(2, 'carol', FROM_START);
    pass(2000);
    const { log, lines } = readRoom(engine);
    expect([...again, carol].map(logOf)).toStrictEqual([log, log, log]);
    for (const client of [...again, carol]) expect(linesOf(client)).toStrictEqual(lines);
  });

  test('close the members of a relay that has not noticed when another one begins a log', () => {
    loseEnd();
    // A relay that has read only what is kept.
    relays.start(2);
    const carol = relays.join(2, 'carol', FROM_START);
    pass(100);
    expect(carol.lines).toContain(token('kept'));
    pass(10_000);
    expect(carol.lines.at(-1)).toBe(REFUSED);
    const again = relays.join(2, 'carol', FROM_START);
    pass(2000);
    expect(logOf(again)).toBe(readRoom(engine).log);
    expect(logOf(again)).not.toBe(logOf(carol));
  });

  test('whose sender is not here any more are read, and void ones are not', () => {
    const first = roomBatch(['+alice', '+bob'], {
      snapshot: [],
      changes: [{ type: 'joined', member: sharedMember('alice'), key: 'alice', resumed: false }],
    });
    const address = engine.store(LOBBY, formatBatch(first));
    // Void, and with members that must not be believed.
    const lost = { member: sharedMember('eve'), key: 'eve', isAway: false, nick: 'eve', owner: undefined };
    engine.store(
      LOBBY,
      formatBatch(
        roomBatch(['+eve'], { previous: 77, first: 3, snapshot: [lost], snapshotAddress: address }),
      ),
    );
    start({ count: 1 });
    const bob = relays.join(0, 'bob', FROM_START);
    pass(100);
    expect(welcomeOf(bob)).toBe('next=3 first=1 from=1 durability=disk count=2 members=alice,bob');
    expect(linesOf(bob).slice(0, 2)).toStrictEqual(['+alice', '+bob']);
  });
});
