import { describe, expect, test } from '@jest/globals';
import {
  type Event,
  type Membership,
  membership,
  type MembershipOptions,
  type Message,
  type Said,
  type Sealed,
  type Stored,
  type Token,
  type Witnessed,
} from '../../streams/index.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { message, welcome } from '../support/heard.js';
import { ALICE, BOB, signed } from '../support/people.js';

const RUN = 'run';

const member = (more: Partial<MembershipOptions> = {}): Membership =>
  membership({ run: RUN, key: ALICE.key, ...more });

const sealed = (name: string): Sealed => ({ token: name as Token, lines: [`line ${name}`] });
const said = (name: string): Said => ({
  type: 'said',
  lines: [`line ${name}`],
  token: name as Token,
  bytes: name.length + 1,
});
const stored = (name: string, position?: number): Stored => ({ ...said(name), type: 'stored', position });

const opened = (name: string, position: number, session = RUN): Event => ({
  type: 'opened',
  position,
  token: name as Token,
  envelope: signed({ session, time: 9, lines: [`line ${name}`] }),
  repeated: false,
  noticed: [],
});
const repeated = (name: string, position: number, session?: string): Event => ({
  ...(opened(name, position, session) as Witnessed),
  repeated: true,
});
const heard = (name: string, position: number, own = true): Message =>
  message({ position, nick: 'alice', key: ALICE.key, time: 9, text: `line ${name}`, own });

const others = (position: number): Event => ({ type: 'joined', position, nicks: ['bob'], count: 1 });
const PONG: Event = { type: 'pong', n: 0 };

/** Comes in over a new connection, and reads from `from`; `next` is the end of the log. */
const come = (to: Membership, from: number, next = from, log = 'log') => {
  const connection = fakeConnection();
  to.attach(connection);
  const event = welcome({ log, from, next });
  return { connection, event, noticed: to.hear(event) };
};

/** Comes in, says these, and loses the connection. */
const lost = (...names: string[]) => {
  const one = member();
  come(one, 5);
  for (const name of names) one.say(sealed(name));
  one.detach();
  return one;
};

describe('where it begins to read', () => {
  test('is what it was told, until it is welcomed', () => {
    expect(member().from).toStrictEqual({ after: undefined, last: undefined });
    expect(member({ last: 3 }).from).toStrictEqual({ after: undefined, last: 3 });
    const one = member({ after: { log: '*', n: 4 } });
    one.attach(fakeConnection());
    one.detach();
    expect(one.from).toStrictEqual({ after: { log: '*', n: 4 }, last: undefined });
  });

  test('is then the place in the log that it has reached', () => {
    const one = member({ last: 3 });
    come(one, 5, 20);
    expect(one.from).toStrictEqual({ after: { log: 'log', n: 4 }, last: undefined });
    const events: [Event, number][] = [
      [opened('a', 5), 5],
      [{ type: 'undecryptable', position: 6, reason: 'malformed' }, 6],
      [others(7), 7],
      [{ type: 'left', position: 8, nicks: ['bob'], count: 1 }, 8],
      [{ type: 'gap', from: 9, to: 12 }, 12],
      [opened('a', 13), 13],
      [PONG, 13],
      [{ type: 'bye', reason: 'shutdown', retryMs: 1 }, 13],
    ];
    for (const [event, n] of events) {
      one.hear(event);
      expect(one.from).toStrictEqual({ after: { log: 'log', n }, last: undefined });
    }
    one.detach();
    expect(one.from.after).toStrictEqual({ log: 'log', n: 13 });
  });

  test('is in the log of the relay, where it wanted to read whatever log there is', () => {
    const one = member({ after: { log: '*', n: 4 } });
    const { noticed, event } = come(one, 5);
    expect(noticed).toStrictEqual([event]);
    expect(one.from.after).toStrictEqual({ log: 'log', n: 4 });
  });
});

describe('what comes', () => {
  test('passes as it is, but for PONG', () => {
    const one = member();
    const { noticed, event } = come(one, 5);
    expect(noticed).toStrictEqual([event]);
    const events: Event[] = [
      { type: 'undecryptable', position: 5, reason: 'malformed' },
      others(6),
      { type: 'gap', from: 7, to: 9 },
      { type: 'bye', reason: 'shutdown', retryMs: 1 },
    ];
    for (const each of events) expect(one.hear(each)).toStrictEqual([each]);
    expect(one.hear(PONG)).toStrictEqual([]);
  });

  test('is a message for each line of a token, in its place', () => {
    const one = member();
    come(one, 5);
    const envelope = signed({ nick: 'bob', key: BOB.key, time: 9, lines: ['hi', 'all'] });
    const event = { ...(opened('x', 5) as Witnessed), envelope };
    expect(one.hear(event)).toStrictEqual([
      message({ position: 5, index: 0, time: 9, text: 'hi', more: true }),
      message({ position: 5, index: 1, time: 9, text: 'all' }),
    ]);
  });

  test('is one’s own by the key and the run that said it', () => {
    const one = member();
    come(one, 5);
    expect(one.hear(opened('a', 5, RUN))).toStrictEqual([heard('a', 5, true)]);
    expect(one.hear(opened('b', 6, 'another'))).toStrictEqual([heard('b', 6, false)]);
    const copied = opened('c', 7, RUN) as Witnessed;
    const [message] = one.hear({ ...copied, envelope: { ...copied.envelope, key: BOB.key } });
    expect(message).toMatchObject({ text: 'line c', own: false });
  });

  test('comes with what was noticed of it, before it; what came before is not shown again', () => {
    const one = member();
    come(one, 5);
    const alarm = { type: 'alarm', position: 5, reason: 'hole', nick: 'alice', key: ALICE.key } as const;
    const event = { ...(opened('x', 5, 'another') as Witnessed), noticed: [alarm] };
    expect(one.hear(event)).toStrictEqual([alarm, heard('x', 5, false)]);
    expect(one.hear({ ...event, repeated: true })).toStrictEqual([alarm, { type: 'repeated', position: 5 }]);
    expect(one.hear({ ...alarm, position: 6, reason: 'bad-signature' })).toHaveLength(1);
    expect(one.from.after).toStrictEqual({ log: 'log', n: 6 });
  });

  test('two clients remember nothing of each other', () => {
    const [one, two] = [member(), member()];
    come(one, 5);
    come(two, 5);
    expect(one.hear(opened('x', 5))).toStrictEqual([heard('x', 5)]);
    expect(two.hear(opened('x', 5))).toStrictEqual([heard('x', 5)]);
  });
});

describe('what is said', () => {
  test('goes out at once where all is read, and its echo is its receipt', () => {
    const one = member();
    const { connection } = come(one, 5);
    expect(one.say(sealed('a'))).toStrictEqual(said('a'));
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.hear(opened('a', 5))).toStrictEqual([heard('a', 5), stored('a', 5)]);
    expect(one.hear(repeated('a', 6))).toStrictEqual([{ type: 'repeated', position: 6 }]);
  });

  test('as the same token twice has two receipts', () => {
    const one = member();
    come(one, 5);
    one.say(sealed('a'));
    one.say(sealed('a'));
    expect(one.hear(opened('a', 5))).toStrictEqual([heard('a', 5), stored('a', 5)]);
    expect(one.hear(repeated('a', 6))).toStrictEqual([{ type: 'repeated', position: 6 }, stored('a', 6)]);
  });

  test('before the first welcome waits for it', () => {
    const one = member();
    expect(one.say(sealed('a'))).toStrictEqual(said('a'));
    const connection = fakeConnection();
    one.attach(connection);
    one.say(sealed('b'));
    expect(connection.writes).toStrictEqual([]);
    one.hear(welcome({ from: 5, next: 5 }));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('while offline waits for the next connection, behind what is pending', () => {
    const one = lost('a', 'b');
    expect(one.say(sealed('c'))).toStrictEqual(said('c'));
    const { connection } = come(one, 5);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
    one.say(sealed('d'));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n', 'd\n']);
  });

  test('while catching up waits until all is read that was there', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 8);
    one.say(sealed('b'));
    one.hear(others(5));
    one.hear(others(6));
    one.say(sealed('c'));
    expect(connection.writes).toStrictEqual([]);
    one.hear(others(7));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
    one.hear(others(8));
    expect(connection.writes).toHaveLength(3);
  });

  test.each<[string, (at: number) => Event]>([
    ['a message', (at) => opened('x', at, 'another')],
    ['one that was there before', (at) => repeated('seen', at, 'another')],
    ['what does not open', (at) => ({ type: 'undecryptable', position: at, reason: 'malformed' })],
    ['who comes', others],
    ['a gap', (at) => ({ type: 'gap', from: at, to: at })],
    ['a gap beyond it', (at) => ({ type: 'gap', from: at, to: at + 9 })],
  ])('goes out once the last entry is read: %s', (_name, last) => {
    const one = member();
    come(one, 4);
    one.hear(opened('seen', 4, 'another'));
    one.say(sealed('a'));
    one.detach();
    const { connection } = come(one, 5, 7);
    one.hear(others(5));
    expect(connection.writes).toStrictEqual([]);
    one.hear(last(6));
    expect(connection.writes).toStrictEqual(['a\n']);
  });

  test('waits for no end of an older connection', () => {
    const one = lost('a');
    come(one, 5, 8);
    one.hear(others(5));
    one.detach();
    const { connection } = come(one, 6, 9);
    one.hear(others(6));
    one.hear(others(7));
    expect(connection.writes).toStrictEqual([]);
    one.hear(others(8));
    expect(connection.writes).toStrictEqual(['a\n']);
  });

  test('goes to the newest connection', () => {
    const one = member();
    const { connection: first } = come(one, 5);
    one.detach();
    const { connection: second } = come(one, 5);
    one.say(sealed('a'));
    expect(first.writes).toStrictEqual([]);
    expect(second.writes).toStrictEqual(['a\n']);
  });

  test('is not sent again where it is met on the way: first, last or in the middle', () => {
    for (const [met, left] of [
      ['a', ['b', 'c']],
      ['b', ['a', 'c']],
      ['c', ['a', 'b']],
    ] as const) {
      const one = lost('a', 'b', 'c');
      const { connection } = come(one, 5, 8);
      one.hear(others(5));
      expect(one.hear(opened(met, 6))).toStrictEqual([heard(met, 6), stored(met, 6)]);
      one.hear(others(7));
      expect(connection.writes).toStrictEqual(left.map((name) => `${name}\n`));
    }
  });

  test('is not sent again where the last entry is its echo', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 6);
    expect(one.hear(opened('a', 5))).toStrictEqual([heard('a', 5), stored('a', 5)]);
    expect(connection.writes).toStrictEqual([]);
  });

  test('is sent again each time, until there is a receipt', () => {
    const one = lost('a', 'b');
    expect(come(one, 5).connection.writes).toStrictEqual(['a\n', 'b\n']);
    one.hear(opened('a', 5));
    one.detach();
    expect(come(one, 6).connection.writes).toStrictEqual(['b\n']);
    one.hear(opened('b', 6));
    one.detach();
    expect(come(one, 7).connection.writes).toStrictEqual([]);
  });
});

describe('how many of what was said are stored', () => {
  test('are those up to the first that has no receipt; what an earlier run said does not count', () => {
    const one = member({ restored: [said('r')] });
    come(one, 5);
    for (const name of ['a', 'b', 'c']) one.say(sealed(name));
    expect(one.stored).toBe(0);
    one.hear(opened('r', 5, 'an earlier run'));
    expect(one.stored).toBe(0);
    one.hear(opened('b', 6));
    expect(one.stored).toBe(0);
    one.detach();
    come(one, 7);
    one.hear(opened('a', 7));
    expect(one.stored).toBe(2);
    one.hear(opened('c', 8));
    expect(one.stored).toBe(3);
    one.say(sealed('d'));
    expect(one.stored).toBe(3);
  });
});

describe('a gap', () => {
  test('while catching up leaves open what was stored: that is sent again, and its repeat is its receipt', () => {
    const one = lost('a', 'b');
    const { connection } = come(one, 5, 9);
    const gap: Event = { type: 'gap', from: 5, to: 7 };
    expect(one.hear(gap)).toStrictEqual([gap]);
    expect(connection.writes).toStrictEqual([]);
    one.hear(others(8));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
    expect(one.hear(opened('a', 9))).toStrictEqual([heard('a', 9), stored('a', 9)]);
    expect(one.hear(opened('b', 10))).toStrictEqual([heard('b', 10), stored('b', 10)]);
  });

  test('while catching up settles what was stored before something that is met behind it', () => {
    const one = lost('a', 'b', 'c');
    const { connection } = come(one, 5, 9);
    one.hear({ type: 'gap', from: 5, to: 7 });
    expect(one.hear(opened('b', 8))).toStrictEqual([heard('b', 8), stored('a'), stored('b', 8)]);
    expect(connection.writes).toStrictEqual(['c\n']);
  });

  test('says nothing of what was said after the connection was lost', () => {
    const one = lost('a');
    one.say(sealed('b'));
    const { connection } = come(one, 5, 9);
    one.hear({ type: 'gap', from: 5, to: 7 });
    expect(one.hear(opened('a', 8))).toStrictEqual([heard('a', 8), stored('a', 8)]);
    expect(connection.writes).toStrictEqual(['b\n']);
  });

  test('is one too where WELCOME begins behind the next position', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 8, 9);
    expect(noticed).toStrictEqual([event, { type: 'gap', from: 5, to: 7 }]);
    expect(one.hear(opened('b', 8))).toStrictEqual([heard('b', 8), stored('a'), stored('b', 8)]);
    expect(connection.writes).toStrictEqual([]);
  });

  test('up to the very end of the log: all is sent again at once', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 8);
    expect(noticed).toStrictEqual([event, { type: 'gap', from: 5, to: 7 }]);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('where nothing was read before is none: it begins somewhere', () => {
    const { noticed, event } = come(member(), 8);
    expect(noticed).toStrictEqual([event]);
    expect(come(member({ after: { log: '*', n: 3 } }), 8).noticed).toHaveLength(1);
    expect(come(member({ after: { log: 'log', n: 3 } }), 8).noticed).toMatchObject([
      { type: 'welcome' },
      { type: 'gap', from: 4, to: 7 },
    ]);
  });

  test('has the relay asked, with the last position, where something is pending', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.hear({ type: 'gap', from: 5, to: 7 });
    expect(connection.writes).toStrictEqual([]);
    one.say(sealed('a'));
    one.hear({ type: 'gap', from: 8, to: 12 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 12\n']);
    expect(one.hear(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes).toHaveLength(2);
  });

  test('is asked about once, and again after the answer where that was not for all', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.say(sealed('a'));
    one.hear({ type: 'gap', from: 5, to: 7 });
    one.say(sealed('b'));
    one.hear({ type: 'gap', from: 8, to: 9 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 7\n', 'b\n']);
    expect(one.hear(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes).toStrictEqual(['a\n', 'PING 7\n', 'b\n', 'PING 9\n']);
    expect(one.hear(PONG)).toStrictEqual([stored('b')]);
    expect(connection.writes).toHaveLength(4);
  });

  test('while catching up has nobody asked, nor what was asked then answered', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 9);
    one.say(sealed('b'));
    one.ping();
    one.hear({ type: 'gap', from: 5, to: 7 });
    expect(one.hear(PONG)).toStrictEqual([]);
    expect(connection.writes).toStrictEqual(['PING 4\n']);
    one.hear(others(8));
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n', 'b\n']);
  });

  test('and the answer to a question of before: it settles nothing that went out again since', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 6);
    one.ping();
    one.hear(others(5));
    one.hear({ type: 'gap', from: 6, to: 7 });
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n']);
    expect(one.hear(PONG)).toStrictEqual([]);
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n', 'PING 7\n']);
    expect(one.hear(PONG)).toStrictEqual([stored('a')]);
  });

  test('of the last connection has nobody asked over this one', () => {
    const one = member();
    come(one, 5);
    one.say(sealed('a'));
    one.hear({ type: 'gap', from: 5, to: 7 });
    one.detach();
    const { connection } = come(one, 8, 9);
    one.hear(PONG);
    one.hear(others(8));
    expect(connection.writes).toStrictEqual(['a\n']);
  });
});

describe('a sign of life', () => {
  test('is asked for with the last position, one at a time', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.hear(others(5));
    one.ping();
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 5\n']);
    one.hear(PONG);
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 5\n', 'PING 5\n']);
  });

  test('that is not answered is asked for again over the next connection', () => {
    const one = member();
    come(one, 5);
    one.ping();
    one.detach();
    const { connection } = come(one, 5);
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 4\n']);
  });

  test('is as good an answer to a gap that came after the question', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.say(sealed('a'));
    one.ping();
    one.say(sealed('b'));
    one.hear({ type: 'gap', from: 5, to: 6 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 4\n', 'b\n']);
    expect(one.hear(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes.at(-1)).toBe('PING 6\n');
    expect(one.hear(PONG)).toStrictEqual([stored('b')]);
  });
});

describe('a log that is another', () => {
  test('by its id is read from where the relay begins, and what is pending goes into it', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 1, 3, 'other');
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'other' }]);
    expect(connection.writes).toStrictEqual([]);
    one.hear(others(1));
    expect(one.hear(opened('b', 2))).toStrictEqual([heard('b', 2), stored('b', 2)]);
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.from.after).toStrictEqual({ log: 'other', n: 2 });
  });

  test('by its id, wherever it begins, is no gap', () => {
    const { noticed, event } = come(lost('a'), 30, 31, 'other');
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'other' }]);
  });

  test.each([
    ['that was about to go on', 5],
    ['that is empty', 1],
  ])('by its end, which is behind what was read: %s', (_name, from) => {
    const one = member();
    come(one, 5);
    one.hear(opened('a', 5, 'another'));
    one.say(sealed('b'));
    one.detach();
    const { connection, noticed, event } = come(one, from);
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'log' }]);
    expect(connection.writes).toStrictEqual(['b\n']);
    expect(one.hear(repeated('a', from, 'another'))).toStrictEqual([{ type: 'repeated', position: from }]);
    expect(one.from.after).toStrictEqual({ log: 'log', n: from });
  });

  test('not by an entry that is no longer kept and cannot be compared: a GAP begins with it', () => {
    const one = member({ after: { log: 'log', n: 4, hash: 'x' } });
    one.attach(fakeConnection());
    const event = welcome({ first: 5, from: 4, next: 7 });
    expect(one.hear(event)).toStrictEqual([event]);
    expect(one.hear({ type: 'gap', from: 4, to: 4 })).toStrictEqual([{ type: 'gap', from: 4, to: 4 }]);
    expect(one.from.after).toStrictEqual({ log: 'log', n: 4 });
  });

  test('is noticed at the first connection too, of whoever remembers a log', () => {
    const one = member({ after: { log: 'log', n: 4 } });
    expect(come(one, 1, 1, 'other').noticed).toHaveLength(2);
    const two = member({ after: { log: 'log', n: 4 } });
    expect(come(two, 4).noticed).toHaveLength(2);
    const three = member({ after: { log: 'log', n: 4 } });
    expect(come(three, 5).noticed).toHaveLength(1);
  });

  test('is none for whoever reads any, wherever that begins', () => {
    const one = member({ after: { log: '*', n: 40 } });
    expect(come(one, 5).noticed).toHaveLength(1);
  });

  test('is noticed once', () => {
    const one = lost('a');
    come(one, 1, 1, 'other');
    one.detach();
    const { noticed, event } = come(one, 1, 1, 'other');
    expect(noticed).toStrictEqual([event]);
  });

  test('keeps no gap of the log before', () => {
    const one = member();
    come(one, 5);
    one.say(sealed('a'));
    one.hear({ type: 'gap', from: 5, to: 7 });
    one.detach();
    const { connection } = come(one, 1, 1, 'other');
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.hear(PONG)).toStrictEqual([]);
    expect(one.hear(opened('a', 1))).toStrictEqual([heard('a', 1), stored('a', 1)]);
  });
});

describe('what an earlier run said', () => {
  const restored = [said('a'), said('b')];

  test('is said again at the first welcome, once, and goes out where it is not met', () => {
    const one = member({ after: { log: 'log', n: 4 }, restored });
    const { connection, noticed, event } = come(one, 5, 6);
    expect(noticed).toStrictEqual([event, ...restored]);
    expect(one.hear(opened('a', 5, 'an earlier run'))).toStrictEqual([heard('a', 5), stored('a', 5)]);
    expect(connection.writes).toStrictEqual(['b\n']);
    one.detach();
    expect(come(one, 6).noticed).toHaveLength(1);
  });

  test('is heard as one’s own where it is pending, and as another’s where it is not', () => {
    const one = member({ restored });
    come(one, 5);
    expect(one.hear(opened('a', 5, 'an earlier run'))).toStrictEqual([heard('a', 5, true), stored('a', 5)]);
    expect(one.hear(opened('c', 6, 'an earlier run'))).toStrictEqual([heard('c', 6, false)]);
  });

  test('is before what this run says', () => {
    const one = member({ restored });
    one.say(sealed('c'));
    expect(come(one, 5).connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
  });

  test('may be hidden by a gap, and is then sent again', () => {
    const one = member({ after: { log: 'log', n: 4 }, restored });
    const { noticed, connection } = come(one, 9, 11);
    expect(noticed.map(({ type }) => type)).toStrictEqual(['welcome', 'gap', 'said', 'said']);
    one.hear(others(9));
    expect(one.hear(opened('x', 10, 'another'))).toStrictEqual([heard('x', 10, false)]);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('is sent again in another log', () => {
    const one = member({ after: { log: 'log', n: 4 }, restored });
    const { noticed, connection } = come(one, 1, 1, 'other');
    expect(noticed.map(({ type }) => type)).toStrictEqual(['welcome', 'log-changed', 'said', 'said']);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });
});

describe('the end of a connection', () => {
  const closed = (connection: ReturnType<typeof fakeConnection>) => {
    let is = false;
    connection.line$.subscribe({ complete: () => (is = true) });
    return is;
  };

  test('closes it without a word, where there may be another one', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.detach();
    expect(connection.writes).toStrictEqual([]);
    expect(closed(connection)).toBe(true);
    one.ping();
    one.leave();
    one.detach();
    expect(connection.writes).toStrictEqual([]);
  });

  test('for good says BYE and closes it, once', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.leave();
    expect(connection.writes).toStrictEqual(['BYE leaving 0\n']);
    expect(closed(connection)).toBe(true);
    one.leave();
    expect(connection.writes).toHaveLength(1);
  });

  test('says BYE before it is welcomed too', () => {
    const one = member();
    const connection = fakeConnection();
    one.attach(connection);
    one.leave();
    expect(connection.writes).toStrictEqual(['BYE leaving 0\n']);
    expect(closed(connection)).toBe(true);
  });

  test('without a connection is nothing', () => {
    const one = member();
    expect(() => {
      one.detach();
      one.leave();
    }).not.toThrow();
  });

  test('closes one that cannot be written', () => {
    const one = member();
    const connection = fakeConnection({ answers: '!' });
    one.attach(connection);
    one.leave();
    expect(closed(connection)).toBe(true);
  });
});

test('of an announcement what is no nick is left out, and is no more than a number', () => {
  const one = member();
  come(one, 5);
  const announced = (position: number, nicks: string[]): Event => ({
    type: 'joined',
    position,
    nicks,
    count: nicks.length,
  });
  expect(one.hear(announced(5, ['bob', 'a b', '\u001b[2J', 'x'.repeat(33), 'carol']))).toStrictEqual([
    { type: 'joined', position: 5, nicks: ['bob', 'carol'], count: 2 },
  ]);
  expect(one.hear({ ...announced(6, ['\u202ebob', '']), type: 'left' } as Event)).toStrictEqual([
    { type: 'left', position: 6, nicks: [], count: 2 },
  ]);
});
