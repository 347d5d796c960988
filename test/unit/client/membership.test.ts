import { describe, expect, test } from '@jest/globals';
import {
  type MembershipOptions,
  type Message,
  type QueuedMessage,
  type SealedMessage,
  type StoredMessage,
  type Token,
} from '../../../streams/index.js';
import {
  type MembershipInput,
  type Membership,
  membership,
  type AuditedMessage,
} from '../../../streams/client/membership.js';
import { toQueued } from '../../../streams/client/send/outbox.js';
import { encodeLine } from '../../../streams/wire/encoding.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { messageEvent, welcomeEvent } from '../../support/clientEvents.js';
import { ALICE, BOB, signedEnvelope } from '../../support/envelopes.js';

const RUN = 'run';

const member = (more: Partial<MembershipOptions> = {}): Membership =>
  membership({ senderSession: RUN, key: ALICE.key, ...more });

const sealed = (name: string): SealedMessage => ({ token: name as Token, lines: [`line ${name}`] });
const queued = (name: string): QueuedMessage => ({
  type: 'queued',
  lines: [`line ${name}`],
  token: name as Token,
  bytes: name.length + 1,
});
const stored = (name: string, position?: number): StoredMessage => ({
  ...queued(name),
  type: 'stored',
  position,
});

const opened = (name: string, position: number, session = RUN): MembershipInput => ({
  type: 'opened',
  position,
  token: name as Token,
  envelope: signedEnvelope({ session, time: 9, lines: [`line ${name}`] }),
  isDuplicate: false,
  findings: [],
});
const repeated = (name: string, position: number, session?: string): MembershipInput => ({
  ...(opened(name, position, session) as AuditedMessage),
  isDuplicate: true,
});
const receivedBy = (name: string, position: number, own = true): Message =>
  messageEvent({ position, nick: 'alice', key: ALICE.key, time: 9, text: `line ${name}`, own });

const others = (position: number): MembershipInput => ({
  type: 'joined',
  position,
  nicks: ['bob'],
  count: 1,
});
const PONG: MembershipInput = { type: 'pong', n: 0 };

/** Sends a message, and returns it as queued. */
const send = (one: Membership, name: string): QueuedMessage => {
  const message = toQueued(sealed(name));
  one.send(message);
  return message;
};

/** Attaches a new connection with a welcome from a position; `next` is the end of the log. */
const come = (to: Membership, from: number, next = from, log = 'log') => {
  const connection = fakeConnection();
  to.attach(connection);
  const event = welcomeEvent({ log, from, next });
  return { connection, event, noticed: to.handle(event) };
};

/** Joins, sends these messages, and loses the connection. */
const lost = (...names: string[]) => {
  const one = member();
  come(one, 5);
  for (const name of names) send(one, name);
  one.detach();
  return one;
};

describe('the resume point of a membership', () => {
  test('the resume point is that of the options before the first welcome', () => {
    expect(member().resumePoint).toStrictEqual({ after: undefined, last: undefined });
    expect(member({ last: 3 }).resumePoint).toStrictEqual({ after: undefined, last: 3 });
    const one = member({ after: { log: '*', n: 4 } });
    one.attach(fakeConnection());
    one.detach();
    expect(one.resumePoint).toStrictEqual({ after: { log: '*', n: 4 }, last: undefined });
  });

  test('the resume point is the last position that was read', () => {
    const one = member({ last: 3 });
    come(one, 5, 20);
    expect(one.resumePoint).toStrictEqual({ after: { log: 'log', n: 4 }, last: undefined });
    const events: [MembershipInput, number][] = [
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
      one.handle(event);
      expect(one.resumePoint).toStrictEqual({ after: { log: 'log', n }, last: undefined });
    }
    one.detach();
    expect(one.resumePoint.after).toStrictEqual({ log: 'log', n: 13 });
  });

  test('the resume point is in the log of the relay when the options name any log', () => {
    const one = member({ after: { log: '*', n: 4 } });
    const { noticed, event } = come(one, 5);
    expect(noticed).toStrictEqual([event]);
    expect(one.resumePoint.after).toStrictEqual({ log: 'log', n: 4 });
  });
});

describe('the entries of a membership', () => {
  test('a membership passes events on, except PONG', () => {
    const one = member();
    const { noticed, event } = come(one, 5);
    expect(noticed).toStrictEqual([event]);
    const events: MembershipInput[] = [
      { type: 'undecryptable', position: 5, reason: 'malformed' },
      others(6),
      { type: 'gap', from: 7, to: 9 },
      { type: 'bye', reason: 'shutdown', retryMs: 1 },
    ];
    for (const each of events) expect(one.handle(each)).toStrictEqual([each]);
    expect(one.handle(PONG)).toStrictEqual([]);
  });

  test('a membership emits a message for each line of a token', () => {
    const one = member();
    come(one, 5);
    const envelope = signedEnvelope({ nick: 'bob', key: BOB.key, time: 9, lines: ['hi', 'all'] });
    const event = { ...(opened('x', 5) as AuditedMessage), envelope };
    expect(one.handle(event)).toStrictEqual([
      messageEvent({ position: 5, index: 0, time: 9, text: 'hi', more: true }),
      messageEvent({ position: 5, index: 1, time: 9, text: 'all' }),
    ]);
  });

  test('a message is own when its key and session are those of the client', () => {
    const one = member();
    come(one, 5);
    expect(one.handle(opened('a', 5, RUN))).toStrictEqual([receivedBy('a', 5, true)]);
    expect(one.handle(opened('b', 6, 'another'))).toStrictEqual([receivedBy('b', 6, false)]);
    const copied = opened('c', 7, RUN) as AuditedMessage;
    const [message] = one.handle({ ...copied, envelope: { ...copied.envelope, key: BOB.key } });
    expect(message).toMatchObject({ text: 'line c', own: false });
  });

  test('a membership emits findings before their message, and hides duplicates', () => {
    const one = member();
    come(one, 5);
    const alarm = { type: 'alarm', position: 5, reason: 'hole', nick: 'alice', key: ALICE.key } as const;
    const event = { ...(opened('x', 5, 'another') as AuditedMessage), findings: [alarm] };
    expect(one.handle(event)).toStrictEqual([alarm, receivedBy('x', 5, false)]);
    expect(one.handle({ ...event, isDuplicate: true })).toStrictEqual([
      alarm,
      { type: 'duplicate', position: 5 },
    ]);
    expect(one.handle({ ...alarm, position: 6, reason: 'bad-signature' })).toHaveLength(1);
    expect(one.resumePoint.after).toStrictEqual({ log: 'log', n: 6 });
  });

  test('two memberships share no state', () => {
    const [one, two] = [member(), member()];
    come(one, 5);
    come(two, 5);
    expect(one.handle(opened('x', 5))).toStrictEqual([receivedBy('x', 5)]);
    expect(two.handle(opened('x', 5))).toStrictEqual([receivedBy('x', 5)]);
  });
});

describe('the messages of a membership', () => {
  test('a message goes out at once when the client has caught up, and its echo is its receipt', () => {
    const one = member();
    const { connection } = come(one, 5);
    expect(send(one, 'a')).toStrictEqual(queued('a'));
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.handle(opened('a', 5))).toStrictEqual([receivedBy('a', 5), stored('a', 5)]);
    expect(one.handle(repeated('a', 6))).toStrictEqual([{ type: 'duplicate', position: 6 }]);
  });

  test('the same token sent twice has two receipts', () => {
    const one = member();
    come(one, 5);
    send(one, 'a');
    send(one, 'a');
    expect(one.handle(opened('a', 5))).toStrictEqual([receivedBy('a', 5), stored('a', 5)]);
    expect(one.handle(repeated('a', 6))).toStrictEqual([{ type: 'duplicate', position: 6 }, stored('a', 6)]);
  });

  test('a message waits for the first welcome', () => {
    const one = member();
    expect(send(one, 'a')).toStrictEqual(queued('a'));
    const connection = fakeConnection();
    one.attach(connection);
    send(one, 'b');
    expect(connection.writes).toStrictEqual([]);
    one.handle(welcomeEvent({ from: 5, next: 5 }));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('a message waits for the next connection while offline, after the pending ones', () => {
    const one = lost('a', 'b');
    expect(send(one, 'c')).toStrictEqual(queued('c'));
    const { connection } = come(one, 5);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
    send(one, 'd');
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n', 'd\n']);
  });

  test('a message waits until the client has caught up', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 8);
    send(one, 'b');
    one.handle(others(5));
    one.handle(others(6));
    send(one, 'c');
    expect(connection.writes).toStrictEqual([]);
    one.handle(others(7));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
    one.handle(others(8));
    expect(connection.writes).toHaveLength(3);
  });

  test.each<[string, (at: number) => MembershipInput]>([
    ['a message', (at) => opened('x', at, 'another')],
    ['one that was there before', (at) => repeated('seen', at, 'another')],
    ['what does not open', (at) => ({ type: 'undecryptable', position: at, reason: 'malformed' })],
    ['who comes', others],
    ['a gap', (at) => ({ type: 'gap', from: at, to: at })],
    ['a gap beyond it', (at) => ({ type: 'gap', from: at, to: at + 9 })],
  ])('a message goes out when the last entry is read: %s', (_name, last) => {
    const one = member();
    come(one, 4);
    one.handle(opened('seen', 4, 'another'));
    send(one, 'a');
    one.detach();
    const { connection } = come(one, 5, 7);
    one.handle(others(5));
    expect(connection.writes).toStrictEqual([]);
    one.handle(last(6));
    expect(connection.writes).toStrictEqual(['a\n']);
  });

  test('a message does not wait for the end of the log of an older connection', () => {
    const one = lost('a');
    come(one, 5, 8);
    one.handle(others(5));
    one.detach();
    const { connection } = come(one, 6, 9);
    one.handle(others(6));
    one.handle(others(7));
    expect(connection.writes).toStrictEqual([]);
    one.handle(others(8));
    expect(connection.writes).toStrictEqual(['a\n']);
  });

  test('a message goes to the newest connection', () => {
    const one = member();
    const { connection: first } = come(one, 5);
    one.detach();
    const { connection: second } = come(one, 5);
    send(one, 'a');
    expect(first.writes).toStrictEqual([]);
    expect(second.writes).toStrictEqual(['a\n']);
  });

  test('a message is not resent when it is found while catching up: first, last or in the middle', () => {
    for (const [observed, left] of [
      ['a', ['b', 'c']],
      ['b', ['a', 'c']],
      ['c', ['a', 'b']],
    ] as const) {
      const one = lost('a', 'b', 'c');
      const { connection } = come(one, 5, 8);
      one.handle(others(5));
      expect(one.handle(opened(observed, 6))).toStrictEqual([receivedBy(observed, 6), stored(observed, 6)]);
      one.handle(others(7));
      expect(connection.writes).toStrictEqual(left.map((name) => `${name}\n`));
    }
  });

  test('a message is not resent when the last entry is its echo', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 6);
    expect(one.handle(opened('a', 5))).toStrictEqual([receivedBy('a', 5), stored('a', 5)]);
    expect(connection.writes).toStrictEqual([]);
  });

  test('a message is resent over each connection until there is a receipt', () => {
    const one = lost('a', 'b');
    expect(come(one, 5).connection.writes).toStrictEqual(['a\n', 'b\n']);
    one.handle(opened('a', 5));
    one.detach();
    expect(come(one, 6).connection.writes).toStrictEqual(['b\n']);
    one.handle(opened('b', 6));
    one.detach();
    expect(come(one, 7).connection.writes).toStrictEqual([]);
  });
});

describe('storedCount', () => {
  test('storedCount counts the messages of this run up to the first without a receipt', () => {
    const one = member({ pendingMessages: [queued('r')] });
    come(one, 5);
    for (const name of ['a', 'b', 'c']) send(one, name);
    expect(one.storedCount).toBe(0);
    one.handle(opened('r', 5, 'an earlier run'));
    expect(one.storedCount).toBe(0);
    one.handle(opened('b', 6));
    expect(one.storedCount).toBe(0);
    one.detach();
    come(one, 7);
    one.handle(opened('a', 7));
    expect(one.storedCount).toBe(2);
    one.handle(opened('c', 8));
    expect(one.storedCount).toBe(3);
    send(one, 'd');
    expect(one.storedCount).toBe(3);
  });
});

describe('gaps in a membership', () => {
  test('a message that a gap may hide while catching up is resent, and its duplicate is the receipt', () => {
    const one = lost('a', 'b');
    const { connection } = come(one, 5, 9);
    const gap: MembershipInput = { type: 'gap', from: 5, to: 7 };
    expect(one.handle(gap)).toStrictEqual([gap]);
    expect(connection.writes).toStrictEqual([]);
    one.handle(others(8));
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
    expect(one.handle(opened('a', 9))).toStrictEqual([receivedBy('a', 9), stored('a', 9)]);
    expect(one.handle(opened('b', 10))).toStrictEqual([receivedBy('b', 10), stored('b', 10)]);
  });

  test('a message before one that is found after the gap is stored', () => {
    const one = lost('a', 'b', 'c');
    const { connection } = come(one, 5, 9);
    one.handle({ type: 'gap', from: 5, to: 7 });
    expect(one.handle(opened('b', 8))).toStrictEqual([receivedBy('b', 8), stored('a'), stored('b', 8)]);
    expect(connection.writes).toStrictEqual(['c\n']);
  });

  test('a gap does not concern messages from after the loss of the connection', () => {
    const one = lost('a');
    send(one, 'b');
    const { connection } = come(one, 5, 9);
    one.handle({ type: 'gap', from: 5, to: 7 });
    expect(one.handle(opened('a', 8))).toStrictEqual([receivedBy('a', 8), stored('a', 8)]);
    expect(connection.writes).toStrictEqual(['b\n']);
  });

  test('WELCOME after the next position counts as a gap', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 8, 9);
    expect(noticed).toStrictEqual([event, { type: 'gap', from: 5, to: 7 }]);
    expect(one.handle(opened('b', 8))).toStrictEqual([receivedBy('b', 8), stored('a'), stored('b', 8)]);
    expect(connection.writes).toStrictEqual([]);
  });

  test('all messages are resent at once when the gap ends the log', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 8);
    expect(noticed).toStrictEqual([event, { type: 'gap', from: 5, to: 7 }]);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('the first WELCOME is not a gap', () => {
    const { noticed, event } = come(member(), 8);
    expect(noticed).toStrictEqual([event]);
    expect(come(member({ after: { log: '*', n: 3 } }), 8).noticed).toHaveLength(1);
    expect(come(member({ after: { log: 'log', n: 3 } }), 8).noticed).toMatchObject([
      { type: 'welcome' },
      { type: 'gap', from: 4, to: 7 },
    ]);
  });

  test('a gap leads to a PING with the last position when a message is pending', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.handle({ type: 'gap', from: 5, to: 7 });
    expect(connection.writes).toStrictEqual([]);
    send(one, 'a');
    one.handle({ type: 'gap', from: 8, to: 12 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 12\n']);
    expect(one.handle(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes).toHaveLength(2);
  });

  test('a gap leads to one PING, and to another one when the answer does not settle all', () => {
    const one = member();
    const { connection } = come(one, 5);
    send(one, 'a');
    one.handle({ type: 'gap', from: 5, to: 7 });
    send(one, 'b');
    one.handle({ type: 'gap', from: 8, to: 9 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 7\n', 'b\n']);
    expect(one.handle(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes).toStrictEqual(['a\n', 'PING 7\n', 'b\n', 'PING 9\n']);
    expect(one.handle(PONG)).toStrictEqual([stored('b')]);
    expect(connection.writes).toHaveLength(4);
  });

  test('a gap while catching up leads to no PING', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 9);
    send(one, 'b');
    one.ping();
    one.handle({ type: 'gap', from: 5, to: 7 });
    expect(one.handle(PONG)).toStrictEqual([]);
    expect(connection.writes).toStrictEqual(['PING 4\n']);
    one.handle(others(8));
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n', 'b\n']);
  });

  test('an old PONG does not confirm messages that were resent', () => {
    const one = lost('a');
    const { connection } = come(one, 5, 6);
    one.ping();
    one.handle(others(5));
    one.handle({ type: 'gap', from: 6, to: 7 });
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n']);
    expect(one.handle(PONG)).toStrictEqual([]);
    expect(connection.writes).toStrictEqual(['PING 4\n', 'a\n', 'PING 7\n']);
    expect(one.handle(PONG)).toStrictEqual([stored('a')]);
  });

  test('a gap of the previous connection leads to no PING over this one', () => {
    const one = member();
    come(one, 5);
    send(one, 'a');
    one.handle({ type: 'gap', from: 5, to: 7 });
    one.detach();
    const { connection } = come(one, 8, 9);
    one.handle(PONG);
    one.handle(others(8));
    expect(connection.writes).toStrictEqual(['a\n']);
  });
});

describe('the PING of a membership', () => {
  test('PING has the last position, and only one is pending', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.handle(others(5));
    one.ping();
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 5\n']);
    one.handle(PONG);
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 5\n', 'PING 5\n']);
  });

  test('PING is sent again over the next connection when the answer was lost', () => {
    const one = member();
    come(one, 5);
    one.ping();
    one.detach();
    const { connection } = come(one, 5);
    one.ping();
    expect(connection.writes).toStrictEqual(['PING 4\n']);
  });

  test('PONG settles a gap that followed its PING', () => {
    const one = member();
    const { connection } = come(one, 5);
    send(one, 'a');
    one.ping();
    send(one, 'b');
    one.handle({ type: 'gap', from: 5, to: 6 });
    expect(connection.writes).toStrictEqual(['a\n', 'PING 4\n', 'b\n']);
    expect(one.handle(PONG)).toStrictEqual([stored('a')]);
    expect(connection.writes.at(-1)).toBe('PING 6\n');
    expect(one.handle(PONG)).toStrictEqual([stored('b')]);
  });
});

describe('another log', () => {
  test('a log with another id is read from its beginning and gets the pending messages', () => {
    const one = lost('a', 'b');
    const { connection, noticed, event } = come(one, 1, 3, 'other');
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'other' }]);
    expect(connection.writes).toStrictEqual([]);
    one.handle(others(1));
    expect(one.handle(opened('b', 2))).toStrictEqual([receivedBy('b', 2), stored('b', 2)]);
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.resumePoint.after).toStrictEqual({ log: 'other', n: 2 });
  });

  test('a log with another id is not a gap, wherever it begins', () => {
    const { noticed, event } = come(lost('a'), 30, 31, 'other');
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'other' }]);
  });

  test.each([
    ['that was about to go on', 5],
    ['that is empty', 1],
  ])('a log that lost its end is reported as changed: %s', (_name, from) => {
    const one = member();
    come(one, 5);
    one.handle(opened('a', 5, 'another'));
    send(one, 'b');
    one.detach();
    const { connection, noticed, event } = come(one, from);
    expect(noticed).toStrictEqual([event, { type: 'log-changed', log: 'log' }]);
    expect(connection.writes).toStrictEqual(['b\n']);
    expect(one.handle(repeated('a', from, 'another'))).toStrictEqual([{ type: 'duplicate', position: from }]);
    expect(one.resumePoint.after).toStrictEqual({ log: 'log', n: from });
  });

  test('a log is not changed when the last read entry is no longer stored', () => {
    const one = member({ after: { log: 'log', n: 4, hash: 'x' } });
    one.attach(fakeConnection());
    const event = welcomeEvent({ first: 5, from: 4, next: 7 });
    expect(one.handle(event)).toStrictEqual([event]);
    expect(one.handle({ type: 'gap', from: 4, to: 4 })).toStrictEqual([{ type: 'gap', from: 4, to: 4 }]);
    expect(one.resumePoint.after).toStrictEqual({ log: 'log', n: 4 });
  });

  test('a changed log is reported at the first connection when the options name a log', () => {
    const one = member({ after: { log: 'log', n: 4 } });
    expect(come(one, 1, 1, 'other').noticed).toHaveLength(2);
    const two = member({ after: { log: 'log', n: 4 } });
    expect(come(two, 4).noticed).toHaveLength(2);
    const three = member({ after: { log: 'log', n: 4 } });
    expect(come(three, 5).noticed).toHaveLength(1);
  });

  test('no log is changed when the options name any log', () => {
    const one = member({ after: { log: '*', n: 40 } });
    expect(come(one, 5).noticed).toHaveLength(1);
  });

  test('a changed log is reported once', () => {
    const one = lost('a');
    come(one, 1, 1, 'other');
    one.detach();
    const { noticed, event } = come(one, 1, 1, 'other');
    expect(noticed).toStrictEqual([event]);
  });

  test('a changed log has no gap of the previous log', () => {
    const one = member();
    come(one, 5);
    send(one, 'a');
    one.handle({ type: 'gap', from: 5, to: 7 });
    one.detach();
    const { connection } = come(one, 1, 1, 'other');
    expect(connection.writes).toStrictEqual(['a\n']);
    expect(one.handle(PONG)).toStrictEqual([]);
    expect(one.handle(opened('a', 1))).toStrictEqual([receivedBy('a', 1), stored('a', 1)]);
  });
});

describe('messages of an earlier run', () => {
  const restored = [queued('a'), queued('b')];

  test('a message of an earlier run is queued once at the first welcome, and sent when it is not found', () => {
    const one = member({ after: { log: 'log', n: 4 }, pendingMessages: restored });
    const { connection, noticed, event } = come(one, 5, 6);
    expect(noticed).toStrictEqual([event, ...restored]);
    expect(one.handle(opened('a', 5, 'an earlier run'))).toStrictEqual([receivedBy('a', 5), stored('a', 5)]);
    expect(connection.writes).toStrictEqual(['b\n']);
    one.detach();
    expect(come(one, 6).noticed).toHaveLength(1);
  });

  test('a message of an earlier run is own when it is pending', () => {
    const one = member({ pendingMessages: restored });
    come(one, 5);
    expect(one.handle(opened('a', 5, 'an earlier run'))).toStrictEqual([
      receivedBy('a', 5, true),
      stored('a', 5),
    ]);
    expect(one.handle(opened('c', 6, 'an earlier run'))).toStrictEqual([receivedBy('c', 6, false)]);
  });

  test('messages of an earlier run precede those of this run', () => {
    const one = member({ pendingMessages: restored });
    send(one, 'c');
    expect(come(one, 5).connection.writes).toStrictEqual(['a\n', 'b\n', 'c\n']);
  });

  test('a message of an earlier run is resent when a gap may hide it', () => {
    const one = member({ after: { log: 'log', n: 4 }, pendingMessages: restored });
    const { noticed, connection } = come(one, 9, 11);
    expect(noticed.map(({ type }) => type)).toStrictEqual(['welcome', 'gap', 'queued', 'queued']);
    one.handle(others(9));
    expect(one.handle(opened('x', 10, 'another'))).toStrictEqual([receivedBy('x', 10, false)]);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });

  test('a message of an earlier run is resent to another log', () => {
    const one = member({ after: { log: 'log', n: 4 }, pendingMessages: restored });
    const { noticed, connection } = come(one, 1, 1, 'other');
    expect(noticed.map(({ type }) => type)).toStrictEqual(['welcome', 'log-changed', 'queued', 'queued']);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n']);
  });
});

describe('the end of a connection', () => {
  const closed = (connection: ReturnType<typeof fakeConnection>) => {
    let is = false;
    connection.line$.subscribe({ complete: () => (is = true) });
    return is;
  };

  test('detach closes the connection without BYE', () => {
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

  test('leave writes BYE and closes the connection once', () => {
    const one = member();
    const { connection } = come(one, 5);
    one.leave();
    expect(connection.writes).toStrictEqual(['BYE leaving 0\n']);
    expect(closed(connection)).toBe(true);
    one.leave();
    expect(connection.writes).toHaveLength(1);
  });

  test('leave writes BYE before the first welcome', () => {
    const one = member();
    const connection = fakeConnection();
    one.attach(connection);
    one.leave();
    expect(connection.writes).toStrictEqual(['BYE leaving 0\n']);
    expect(closed(connection)).toBe(true);
  });

  test('leave does nothing without a connection', () => {
    const one = member();
    expect(() => {
      one.detach();
      one.leave();
    }).not.toThrow();
  });

  test('leave closes a connection that cannot be written', () => {
    const one = member();
    const connection = fakeConnection({ writeResults: '!' });
    one.attach(connection);
    one.leave();
    expect(closed(connection)).toBe(true);
  });
});

test('a membership drops invalid nicks of an announcement, and keeps the count when none is left', () => {
  const one = member();
  come(one, 5);
  const announced = (position: number, nicks: string[]): MembershipInput => ({
    type: 'joined',
    position,
    nicks,
    count: nicks.length,
  });
  expect(one.handle(announced(5, ['bob', 'a b', '\u001b[2J', 'x'.repeat(33), 'carol']))).toStrictEqual([
    { type: 'joined', position: 5, nicks: ['bob', 'carol'], count: 2 },
  ]);
  expect(one.handle({ ...announced(6, ['\u202ebob', '']), type: 'left' } as MembershipInput)).toStrictEqual([
    { type: 'left', position: 6, nicks: [], count: 2 },
  ]);
});

describe('a membership whose keys change', () => {
  const again = ({ token }: QueuedMessage) => `${token}-2` as Token;

  test('pending messages are sealed again and written at once, oldest first', () => {
    const one = member();
    const { connection } = come(one, 5);
    send(one, 'a');
    send(one, 'b');
    one.handle(opened('a', 5));
    one.reseal(again);
    expect(connection.writes).toStrictEqual(['a\n', 'b\n', 'b-2\n']);
    expect(one.handle(opened('b-2', 6))).toContainEqual({ ...stored('b', 6), token: 'b-2', bytes: 4 });
  });

  test('offline, and before the end of the log, they are written after it', () => {
    const one = lost('a');
    one.reseal(again);
    const { connection } = come(one, 5, 7);
    expect(one.writePhase).toBe('waiting');
    one.reseal(again);
    expect(connection.writes).toStrictEqual([]);
    one.handle(others(5));
    one.handle(others(6));
    expect(one.writePhase).toBe('ready');
    expect(connection.writes).toStrictEqual(['a-2-2\n']);
  });

  test('in another room it reads from the start and sends what is pending', () => {
    const one = member();
    const { connection } = come(one, 5);
    send(one, 'a');
    one.moveToNewRoom();
    connection.write(encodeLine('dropped'));
    expect(connection.writes).toStrictEqual(['a\n', 'BYE leaving 0\n']);
    expect(one.resumePoint).toStrictEqual({ after: { log: '*', n: 0 }, last: undefined });
    one.reseal(again);
    const { connection: next, noticed, event } = come(one, 1, 1, 'other log');
    expect(noticed).toStrictEqual([event]);
    expect(next.writes).toStrictEqual(['a-2\n']);
  });
});

describe('a log that continues another one', () => {
  const ancestors = [{ log: 'log', n: 7 }];
  const welcomeTo = (from: number, first = 1) => ({
    ...welcomeEvent({ log: 'new', first, from, next: 20 }),
    ancestors,
  });
  const readUpTo = (n: number, hash = 'h') => member({ after: { log: 'log', n, hash } });

  test('a log that has all that was read is read on, and the change is reported', () => {
    const one = readUpTo(6);
    expect(one.joinsAgain(welcomeTo(7))).toBe(false);
    expect(one.handle(welcomeTo(7))).toStrictEqual([
      welcomeTo(7),
      { type: 'log-changed', log: 'new', shared: 7, lost: 0 },
    ]);
    expect(one.resumePoint.after).toStrictEqual({ log: 'new', n: 6, hash: 'h' });
  });

  test('a log that lost what was read is joined again, once, after the last common entry', () => {
    const one = member({
      after: { log: 'log', n: 12, hash: 'h' },
      earlierHashAt: (n) => `h${n}`,
    });
    expect(one.joinsAgain(welcomeTo(1))).toBe(true);
    const again = { log: 'new', n: 7, hash: 'h7', earlier: { n: 6, hash: 'h6' } };
    expect(one.resumePoint.after).toStrictEqual(again);
    expect(one.joinsAgain(welcomeTo(8))).toBe(false);
    expect(one.handle(welcomeTo(8))).toStrictEqual([
      welcomeTo(8),
      { type: 'log-changed', log: 'new', shared: 7, lost: 5 },
    ]);
    expect(one.resumePoint.after).toStrictEqual(again);
  });

  test('a log in which the last common entry differs is read again', () => {
    const one = member({ after: { log: 'log', n: 12, hash: 'h' }, earlierHashAt: (n) => `h${n}` });
    one.joinsAgain(welcomeTo(1));
    expect(one.handle(welcomeTo(1))).toStrictEqual([welcomeTo(1), { type: 'log-changed', log: 'new' }]);
    expect(one.resumePoint.after).toStrictEqual({ log: 'new', n: 0 });
  });

  test('a log is read again without the hash of the last common entry', () => {
    const one = readUpTo(12);
    expect(one.joinsAgain(welcomeTo(1))).toBe(false);
    expect(one.handle(welcomeTo(1))).toStrictEqual([welcomeTo(1), { type: 'log-changed', log: 'new' }]);
  });

  test('a log that keeps none of the common entries has a gap', () => {
    const one = readUpTo(12);
    expect(one.joinsAgain(welcomeTo(10, 10))).toBe(false);
    expect(one.handle(welcomeTo(10, 10))).toStrictEqual([
      welcomeTo(10, 10),
      { type: 'log-changed', log: 'new', shared: 7, lost: 5 },
      { type: 'gap', from: 8, to: 9 },
    ]);
  });
});
