import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonFormat, textFormat } from '../../../../../src/cli/commands/listen/format.js';
import type { Token } from '../../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import { JSON_SHAPES, shapeOf } from '../../../../support/jsonShapes.js';
import {
  hostileText,
  messageEvent,
  UNSAFE,
  UNSAFE_EXCEPT_TAB,
  welcomeEvent,
} from '../../../../support/clientEvents.js';
import { deviceOf, epochEvent } from '../../../../support/groupEvents.js';
import { ALICE, BOB } from '../../../../support/envelopes.js';

const plain = textFormat('alice');
const json = jsonFormat('alice', 'ROOM', (key) => key === 'VERIFIED');

const parsed = (event: ClientEvent): unknown => JSON.parse(json(event).out ?? 'null');

const LIE: ClientEvent = { type: 'alarm', position: 4, reason: 'forked', nick: 'bob', key: BOB.key };
const CHANGE: ClientEvent = {
  type: 'key-changed',
  position: 4,
  nick: 'bob',
  key: ALICE.key,
  before: BOB.key,
};

/** What a group hides from this device. */
const GROUP_FACTS: readonly ClientEvent[] = [
  { type: 'before-join', from: 1, to: 9 },
  { type: 'forgotten', position: 10 },
  { type: 'rejected', position: 11, reason: 'not allowed' },
  { type: 'behind', position: 12, epoch: 3 },
];

const SILENT: ClientEvent[] = [
  welcomeEvent({}),
  { type: 'queued', lines: ['x'], token: 'x' as Token, bytes: 1 },
  { type: 'stored', position: 1, lines: ['x'], token: 'x' as Token, bytes: 1 },
  { type: 'duplicate', position: 1 },
  { type: 'input-complete' },
  { type: 'bye', reason: 'shutdown', retryMs: 0 },
];

describe('the plain format of listen', () => {
  test('prints nick and text', () => {
    expect(plain(messageEvent({}))).toStrictEqual({ out: 'bob: hello' });
  });

  test('prints one line that is safe for a terminal for any input of others', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        expect(plain(messageEvent({ nick, text })).out).not.toMatch(UNSAFE_EXCEPT_TAB);
      }),
    );
  });

  test('prints the time of an old message', () => {
    expect(plain(messageEvent({ time: 0, old: true, text: 'yes' })).out).toBe(
      'bob (old, 1970-01-01T00:00:00.000Z): yes',
    );
  });

  test('keeps tabs in the text of a message, and nowhere else', () => {
    expect(plain(messageEvent({ text: 'id\tname\tqty' })).out).toBe('bob: id\tname\tqty');
    expect(plain(messageEvent({ text: 'sorts\ta table', act: 'me' })).out).toBe('* bob sorts\ta table');
    expect(plain(messageEvent({ nick: 'b\tob' })).out).toBe('b␉ob: hello');
  });

  test('prints notes about gaps, undecryptable messages and another log', () => {
    expect(plain({ type: 'gap', from: 3, to: 9 })).toStrictEqual({
      note: 'gap: entries 3 to 9 have expired',
    });
    expect(plain({ type: 'undecryptable', position: 4, reason: 'malformed' })).toStrictEqual({
      note: 'entry 4 cannot be decrypted: malformed',
    });
    expect(plain({ type: 'log-changed', log: 'other' })).toStrictEqual({
      note: 'the relay lost its history; positions restart',
    });
  });

  test('prints notes about misbehaviour and about a nick with another key', () => {
    expect(plain(LIE)).toStrictEqual({
      note: 'alarm: entry 4 shows that bob received a different history from yours',
    });
    expect(plain(CHANGE)).toStrictEqual({
      note: 'alarm: bob has a different key than before; it may be someone else',
    });
  });
});

describe('the JSON format of listen', () => {
  test('prints what a group hides from this device without --events, too', () => {
    for (const event of GROUP_FACTS) expect(parsed(event)).toStrictEqual({ v: 1, room: 'ROOM', ...event });
    expect(json(epochEvent({}))).toStrictEqual({});
  });

  test('never prints the invite of a group', () => {
    const events = jsonFormat('alice', 'ROOM', () => false, true);
    expect(events({ type: 'invite-changed', secret: new Uint8Array(32) })).toStrictEqual({});
  });

  test('marks a sender that is not a member', () => {
    expect(parsed(messageEvent({ external: true }))).toMatchObject({ from: { nick: 'bob', external: true } });
  });

  test('prints one object per line, with a version', () => {
    const time = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    expect(json(messageEvent({ time, position: 41, index: 2 })).out).toBe(
      '{"v":1,"type":"message","room":"ROOM","position":41,"index":2,"time":"2026-01-02T03:04:05.006Z",' +
        `"from":{"nick":"bob","key":"${BOB.key}","verified":false},"text":"hello"}`,
    );
  });

  test('prints gaps, undecryptable messages and another log in their places on the same stream', () => {
    expect(parsed({ type: 'gap', from: 3, to: 9 })).toStrictEqual({
      v: 1,
      type: 'gap',
      room: 'ROOM',
      from: 3,
      to: 9,
    });
    expect(parsed({ type: 'undecryptable', position: 4, reason: 'malformed' })).toStrictEqual({
      v: 1,
      type: 'undecryptable',
      room: 'ROOM',
      position: 4,
      reason: 'malformed',
    });
    expect(parsed(LIE)).toStrictEqual({
      v: 1,
      type: 'alarm',
      room: 'ROOM',
      position: 4,
      reason: 'forked',
      from: { nick: 'bob', key: BOB.key },
    });
    expect(parsed(CHANGE)).toStrictEqual({
      v: 1,
      type: 'key-changed',
      room: 'ROOM',
      position: 4,
      from: { nick: 'bob', key: ALICE.key },
      before: BOB.key,
    });
    expect(parsed({ type: 'log-changed', log: 'other' })).toStrictEqual({
      v: 1,
      type: 'log-changed',
      room: 'ROOM',
      log: 'other',
    });
  });

  test('has exactly the shapes of docs/json.md', () => {
    const nickOf = () => 'alice';
    const events = jsonFormat(
      'alice',
      'ROOM',
      () => false,
      true,
      () => false,
      nickOf,
    );
    const all: ClientEvent[] = [
      messageEvent({}),
      { type: 'gap', from: 3, to: 9 },
      { type: 'log-changed', log: 'other' },
      { type: 'undecryptable', position: 4, reason: 'malformed' },
      LIE,
      CHANGE,
      welcomeEvent({}),
      { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
      { type: 'joined', position: 1, nicks: ['bob'], count: 1 },
      { type: 'left', position: 1, nicks: [], count: 1200 },
      epochEvent({ change: 'removed', removed: [deviceOf('bob')], moved: true }),
      ...GROUP_FACTS,
      { type: 'leaving', position: 4, member: deviceOf('bob') },
      { type: 'removed', position: 4, by: deviceOf('bob') },
      { type: 'void', position: 4 },
      { type: 'handshake', position: 4 },
    ];
    for (const event of all) {
      const value = JSON.parse(events(event).out ?? 'null') as { type: string };
      expect([value.type, shapeOf(value)]).toStrictEqual([value.type, JSON_SHAPES.get(value.type)]);
    }
    expect(SILENT.slice(1).map((event) => events(event))).toStrictEqual(SILENT.slice(1).map(() => ({})));
  });

  test('prints every time that an envelope can have', () => {
    for (const time of [0, 8.64e15])
      expect(parsed(messageEvent({ time }))).toMatchObject({ time: new Date(time).toJSON() });
  });

  test('prints what a message is other than text', () => {
    expect(parsed(messageEvent({ text: 'waves', act: 'me' }))).toMatchObject({ text: 'waves', act: 'me' });
    const acts = [
      ['me', 'waves', '* bob waves'],
      ['topic', 'tea', '* bob set the topic: tea'],
      ['away', 'away', '* bob is away'],
      ['away', 'lunch\u001b[2J', '* bob is away: lunch\u241b[2J'],
      ['back', 'back', '* bob is back'],
    ] as const;
    for (const [act, text, line] of acts)
      expect(textFormat('alice')(messageEvent({ act, text }))).toStrictEqual({ out: line });
  });

  test('marks an old message, and prints the clock offset of its sender', () => {
    expect(parsed(messageEvent({ old: true, timeDifferenceMs: -3_600_000 }))).toMatchObject({
      old: true,
      timeDifferenceMs: -3_600_000,
    });
    expect(parsed(messageEvent({}))).not.toHaveProperty('old');
  });

  test('prints whose key is verified', () => {
    expect(parsed(messageEvent({ key: 'VERIFIED' }))).toMatchObject({
      from: { key: 'VERIFIED', verified: true },
    });
  });

  test('parses to the exact text, and is one line and safe for a terminal', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        expect(parsed(messageEvent({ nick, text }))).toMatchObject({ from: { nick }, text });
        expect(json(messageEvent({ nick, text })).out).not.toMatch(UNSAFE);
      }),
    );
    expect(json(messageEvent({ text: '\x9b31m\u{e0041}\n' })).out).toContain(
      '"text":"\\u009b31m\\udb40\\udc41\\n"',
    );
    expect(json(messageEvent({ text: 'ü 🙂 नमस्ते' })).out).toContain('"text":"ü 🙂 नमस्ते"');
  });
});

describe.each([
  ['plain text', plain],
  ['JSON', json],
])('%s', (_name, format) => {
  test('prints notes about joins and leaves of others, but not the own', () => {
    expect(format({ type: 'joined', position: 1, nicks: ['alice', 'bob'], count: 2 })).toStrictEqual({
      note: 'bob joined',
    });
    expect(format({ type: 'left', position: 1, nicks: ['bob', 'carol'], count: 2 })).toStrictEqual({
      note: 'bob, carol left',
    });
    expect(format({ type: 'left', position: 1, nicks: [], count: 1200 })).toStrictEqual({
      note: '1200 members left',
    });
    expect(format({ type: 'joined', position: 1, nicks: ['alice'], count: 1 })).toStrictEqual({});
  });

  test('prints a note about the first message of a member', () => {
    expect(format({ type: 'first-seen', position: 1, nick: 'bob', key: BOB.key })).toStrictEqual({
      note: `first message from bob, with the key ${BOB.key}`,
    });
  });

  test.each(SILENT)('prints nothing about internal events: $type', (event) => {
    expect(format(event)).toStrictEqual({});
  });
});

test('a log that continues another one says what both have, as text and as JSON', () => {
  const event = { type: 'log-changed', log: 'new', shared: 7, lost: 3 } as const;
  const json = jsonFormat('me', 'room', () => false, true);
  expect(JSON.parse(json(event).out ?? '')).toMatchObject({ log: 'new', shared: 7, lost: 3 });
  const text = textFormat('me', () => false, true);
  expect(text(event).note).toBe('the relay was restored to an earlier state; it lost the entries 8 to 10');
  expect(text({ ...event, lost: 0 }).note).toBe(
    'the store of the relay was restored or copied; the log has a new id',
  );
});
