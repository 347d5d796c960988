import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonFormat, plainFormat } from '../../src/cli/listenFormat.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { hostileText, message, UNSAFE, UNSAFE_BUT_TAB, welcome } from '../support/heard.js';
import { ALICE, BOB } from '../support/people.js';

const plain = plainFormat('alice');
const json = jsonFormat('alice', 'ROOM', (key) => key === 'VERIFIED');

const parsed = (heard: Heard): unknown => JSON.parse(json(heard).out ?? 'null');

const LIE: Heard = { type: 'alarm', position: 4, reason: 'forked', nick: 'bob', key: BOB.key };
const CHANGE: Heard = { type: 'key-changed', position: 4, nick: 'bob', key: ALICE.key, before: BOB.key };

const SILENT: Heard[] = [
  welcome({}),
  { type: 'said', lines: ['x'], token: 'x' as Token, bytes: 1 },
  { type: 'stored', position: 1, lines: ['x'], token: 'x' as Token, bytes: 1 },
  { type: 'repeated', position: 1 },
  { type: 'said-all' },
  { type: 'bye', reason: 'shutdown', retryMs: 0 },
];

describe('plain text', () => {
  test('is the nick and what was said', () => {
    expect(plain(message({}))).toStrictEqual({ out: 'bob: hello' });
  });

  test('is one line and safe for a terminal, whatever others send', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        expect(plain(message({ nick, text })).out).not.toMatch(UNSAFE_BUT_TAB);
      }),
    );
  });

  test('names the time of an old message', () => {
    expect(plain(message({ time: 0, old: true, text: 'yes' })).out).toBe(
      'bob (old, 1970-01-01T00:00:00.000Z): yes',
    );
  });

  test('keeps tabs in what was said, and in nothing else', () => {
    expect(plain(message({ text: 'id\tname\tqty' })).out).toBe('bob: id\tname\tqty');
    expect(plain(message({ text: 'sorts\ta table', act: 'me' })).out).toBe('* bob sorts\ta table');
    expect(plain(message({ nick: 'b\tob' })).out).toBe('b␉ob: hello');
  });

  test('notes gaps, what does not open and another log beside it', () => {
    expect(plain({ type: 'gap', from: 3, to: 9 })).toStrictEqual({
      note: 'gap: entries 3 to 9 are no longer kept',
    });
    expect(plain({ type: 'undecryptable', position: 4, reason: 'malformed' })).toStrictEqual({
      note: 'entry 4 does not open: malformed',
    });
    expect(plain({ type: 'log-changed', log: 'other' })).toStrictEqual({
      note: 'the relay has lost its history; positions begin anew',
    });
  });

  test('notes lies, and a nick that has another key', () => {
    expect(plain(LIE)).toStrictEqual({
      note: 'alarm: entry 4 shows that bob was given other entries than you',
    });
    expect(plain(CHANGE)).toStrictEqual({
      note: 'alarm: bob has another key than before: it may be somebody else',
    });
  });
});

describe('JSON', () => {
  test('is an object a line, with a version', () => {
    const time = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    expect(json(message({ time, position: 41, index: 2 })).out).toBe(
      '{"v":1,"type":"message","room":"ROOM","position":41,"index":2,"time":"2026-01-02T03:04:05.006Z",' +
        `"from":{"nick":"bob","key":"${BOB.key}","verified":false},"text":"hello"}`,
    );
  });

  test('tells gaps, what does not open and another log on the same stream, so that a program sees them in their places', () => {
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

  test('has the shapes that docs/json.md has, and no others', () => {
    const events = jsonFormat('alice', 'ROOM', () => false, true);
    const all: Heard[] = [
      message({}),
      { type: 'gap', from: 3, to: 9 },
      { type: 'log-changed', log: 'other' },
      { type: 'undecryptable', position: 4, reason: 'malformed' },
      LIE,
      CHANGE,
      welcome({}),
      { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
      { type: 'joined', position: 1, nicks: ['bob'], count: 1 },
      { type: 'left', position: 1, nicks: [], count: 1200 },
    ];
    for (const heard of all) {
      const value = JSON.parse(events(heard).out ?? 'null') as { type: string };
      expect([value.type, shapeOf(value)]).toStrictEqual([value.type, JSON_SHAPES.get(value.type)]);
    }
    expect(SILENT.slice(1).map((heard) => events(heard))).toStrictEqual(SILENT.slice(1).map(() => ({})));
  });

  test('holds every time that an envelope can have', () => {
    for (const time of [0, 8.64e15])
      expect(parsed(message({ time }))).toMatchObject({ time: new Date(time).toJSON() });
  });

  test('says what a message is besides words', () => {
    expect(parsed(message({ text: 'waves', act: 'me' }))).toMatchObject({ text: 'waves', act: 'me' });
    const acts = [
      ['me', 'waves', '* bob waves'],
      ['topic', 'tea', '* bob set the topic: tea'],
      ['away', 'away', '* bob is away'],
      ['away', 'lunch\u001b[2J', '* bob is away: lunch\u241b[2J'],
      ['back', 'back', '* bob is back'],
    ] as const;
    for (const [act, text, line] of acts)
      expect(plainFormat('alice')(message({ act, text }))).toStrictEqual({ out: line });
  });

  test('marks an old message, and tells how far the clock of a sender is off', () => {
    expect(parsed(message({ old: true, timeDifferenceMs: -3_600_000 }))).toMatchObject({
      old: true,
      timeDifferenceMs: -3_600_000,
    });
    expect(parsed(message({}))).not.toHaveProperty('old');
  });

  test('says whose key is verified', () => {
    expect(parsed(message({ key: 'VERIFIED' }))).toMatchObject({ from: { key: 'VERIFIED', verified: true } });
  });

  test('reads back exactly, and yet is one line and safe for a terminal', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        expect(parsed(message({ nick, text }))).toMatchObject({ from: { nick }, text });
        expect(json(message({ nick, text })).out).not.toMatch(UNSAFE);
      }),
    );
    expect(json(message({ text: '\x9b31m\u{e0041}\n' })).out).toContain(
      '"text":"\\u009b31m\\udb40\\udc41\\n"',
    );
    expect(json(message({ text: 'ü 🙂 नमस्ते' })).out).toContain('"text":"ü 🙂 नमस्ते"');
  });
});

describe.each([
  ['plain text', plain],
  ['JSON', json],
])('%s', (_name, format) => {
  test('notes who comes and goes, but not oneself', () => {
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

  test('notes whom it meets for the first time', () => {
    expect(format({ type: 'first-sight', position: 1, nick: 'bob', key: BOB.key })).toStrictEqual({
      note: `bob is met for the first time, with the key ${BOB.key}`,
    });
  });

  test.each(SILENT)('says nothing of the machinery: $type', (heard) => {
    expect(format(heard)).toStrictEqual({});
  });
});
