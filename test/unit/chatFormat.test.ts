import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chatFormat } from '../../src/cli/chatFormat.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';
import { hostileText, message, UNSAFE_BUT_TAB, welcome } from '../support/heard.js';

const VERIFIED = 'verified key';
const alice = chatFormat('alice', (key) => key === VERIFIED);

/** The time of day where this test runs, the long way round. */
const wallClock = (time: number): string =>
  new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', hour12: false });

describe('what somebody in a room sees', () => {
  test('a message, with the sender’s time of day', () => {
    const times = [
      0,
      Date.UTC(2026, 0, 2, 3, 4, 59),
      Date.UTC(2026, 6, 15, 23, 59),
      Date.UTC(2026, 6, 15, 12, 0),
    ];
    for (const time of times) expect(alice(message({ time }))).toBe(`${wallClock(time)} ?bob: hello`);
  });

  test('whether it is known who that is, in a mark and not by colour', () => {
    expect(alice(message({ key: VERIFIED }))).toMatch(/^\d\d:\d\d \u2713bob: hello$/);
    expect(alice({ type: 'first-sight', position: 1, nick: 'b\x1bob', key: VERIFIED })).toBe(
      '-- b␛ob is met for the first time; /verify b␛ob tells whether it is them',
    );
  });

  test('one’s own like all others: in its place', () => {
    expect(alice(message({ nick: 'alice', own: true }))).toMatch(/^\d\d:\d\d alice: hello$/);
  });

  test.each([
    [['alice'], 1, '-- you are in, alone so far'],
    [['alice', 'bob', 'carol'], 3, '-- you are in, with bob, carol'],
    [['bob', 'a\x1b[2J'], 3, '-- you are in, with bob, a␛[2J'],
    [undefined, 1201, '-- you are in, with 1200 others'],
  ])('who is there: %j, %i members', (members, count, line) => {
    expect(chatFormat('alice', (key) => key === VERIFIED)(welcome({ members, count }))).toBe(line);
  });

  test('that one is in, once: who comes back is told nothing, by a format of its own', () => {
    const [one, two] = [
      chatFormat('alice', (key) => key === VERIFIED),
      chatFormat('alice', (key) => key === VERIFIED),
    ];
    expect(one(welcome({}))).toBe('-- you are in, with bob');
    expect(one(welcome({ members: ['alice'], count: 1 }))).toBeUndefined();
    expect(two(welcome({}))).toBe('-- you are in, with bob');
  });

  const coming: [Heard, string | undefined][] = [
    [{ type: 'joined', position: 1, nicks: ['bob'], count: 1 }, '--> bob joined'],
    [{ type: 'left', position: 1, nicks: ['bob', 'carol'], count: 2 }, '<-- bob, carol left'],
    [{ type: 'joined', position: 1, nicks: ['alice', 'bob'], count: 2 }, '--> bob joined'],
    [{ type: 'joined', position: 1, nicks: ['alice'], count: 1 }, undefined],
    [{ type: 'left', position: 1, nicks: [], count: 1200 }, '<-- 1200 members left'],
    [{ type: 'joined', position: 1, nicks: ['b\u202eob'], count: 1 }, '--> b\\u{202e}ob joined'],
  ];
  test.each(coming)('who comes and goes, but not that one came oneself: %j', (heard, line) => {
    expect(alice(heard)).toBe(line);
  });

  const odd: [Heard, string | undefined][] = [
    [{ type: 'gap', from: 3, to: 9 }, '-- gap: 7 messages expired (entries 3 to 9)'],
    [
      { type: 'log-changed', log: 'other' },
      '-- the relay has lost its history; what it has is shown from the beginning',
    ],
    [
      { type: 'undecryptable', position: 4, reason: 'wrong key or tampered' },
      '-- entry 4 does not open: wrong key or tampered',
    ],
    [{ type: 'said', lines: ['x'], token: 'x' as Token, bytes: 1 }, undefined],
    [{ type: 'stored', position: 1, lines: ['x'], token: 'x' as Token, bytes: 1 }, undefined],
    [{ type: 'repeated', position: 1 }, undefined],
    [{ type: 'said-all' }, undefined],
    [{ type: 'bye', reason: 'shutdown', retryMs: 0 }, undefined],
  ];
  test.each(odd)('what is missing, and nothing of the machinery: %j', (heard, line) => {
    expect(alice(heard)).toBe(line);
  });

  test('is one line and safe for a terminal, whatever others send', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        for (const heard of [
          message({ nick, text }),
          welcome({ members: [nick, text], count: 3 }),
          { type: 'joined', position: 1, nicks: [nick, text], count: 2 } as const,
        ])
          expect(chatFormat('alice', (key) => key === VERIFIED)(heard) ?? '').not.toMatch(UNSAFE_BUT_TAB);
      }),
    );
  });
});
