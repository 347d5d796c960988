import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pipeFormat } from '../../../../../src/cli/commands/join/pipeIo.js';
import { groupRoster } from '../../../../../src/text/groupRoster.js';
import type { Token } from '../../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import {
  hostileText,
  messageEvent,
  UNSAFE_EXCEPT_TAB,
  welcomeEvent,
} from '../../../../support/clientEvents.js';
import { deviceOf } from '../../../../support/groupEvents.js';

const VERIFIED = 'verified key';
const alice = pipeFormat('alice', (key) => key === VERIFIED);

/** The local time of day, computed independently. */
const wallClock = (time: number): string =>
  new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', hour12: false });

describe('the pipe format of join', () => {
  test('prints a message with the time of its sender', () => {
    const times = [
      0,
      Date.UTC(2026, 0, 2, 3, 4, 59),
      Date.UTC(2026, 6, 15, 23, 59),
      Date.UTC(2026, 6, 15, 12, 0),
    ];
    for (const time of times) expect(alice(messageEvent({ time }))).toBe(`${wallClock(time)} ?bob: hello`);
  });

  test('prints a mark, not a colour, for an unknown or verified key', () => {
    expect(alice(messageEvent({ key: VERIFIED }))).toMatch(/^\d\d:\d\d \u2713bob: hello$/);
    expect(alice({ type: 'first-seen', position: 1, nick: 'b\x1bob', key: VERIFIED })).toBe(
      '-- first message from b␛ob; verify with /verify b␛ob',
    );
  });

  test('prints own messages like all others, in their place', () => {
    expect(alice(messageEvent({ nick: 'alice', own: true }))).toMatch(/^\d\d:\d\d alice: hello$/);
  });

  test.each([
    [['alice'], 1, '-- you are in, alone so far'],
    [['alice', 'bob', 'carol'], 3, '-- you are in, with bob, carol'],
    [['bob', 'a\x1b[2J'], 3, '-- you are in, with bob, a␛[2J'],
    [undefined, 1201, '-- you are in, with 1200 others'],
  ])('prints who is in the room: %j, %i members', (members, count, line) => {
    expect(pipeFormat('alice', (key) => key === VERIFIED)(welcomeEvent({ members, count }))).toBe(line);
  });

  test.each([
    [[], ['alice'], '-- group room; nobody else is online'],
    [
      [deviceOf('alice'), deviceOf('bob'), deviceOf('bob', 'phone')],
      ['alice'],
      '-- group room, 2 members; nobody else is online',
    ],
    [[deviceOf('alice'), deviceOf('bob')], ['alice', 'bob'], '-- group room, 2 members; online: bob'],
  ])('says that a room is a group room: %#', (groupMembers, members, line) => {
    const roster = groupRoster({
      ownKey: deviceOf('alice').key,
      isVerified: () => false,
      knownKeys: new Map(),
    });
    if (groupMembers.length > 0)
      roster.update({ type: 'resumed', epoch: 1, members: groupMembers, code: '1'.repeat(30) });
    expect(
      pipeFormat('alice', () => false, true, roster)(welcomeEvent({ members, count: members.length })),
    ).toBe(line);
  });

  test('prints the own join once, and nothing after a reconnect, separately for each format', () => {
    const [one, two] = [
      pipeFormat('alice', (key) => key === VERIFIED),
      pipeFormat('alice', (key) => key === VERIFIED),
    ];
    expect(one(welcomeEvent({}))).toBe('-- you are in, with bob');
    expect(one(welcomeEvent({ members: ['alice'], count: 1 }))).toBeUndefined();
    expect(two(welcomeEvent({}))).toBe('-- you are in, with bob');
  });

  const coming: [ClientEvent, string | undefined][] = [
    [{ type: 'joined', position: 1, nicks: ['bob'], count: 1 }, '--> bob joined'],
    [{ type: 'left', position: 1, nicks: ['bob', 'carol'], count: 2 }, '<-- bob, carol left'],
    [{ type: 'joined', position: 1, nicks: ['alice', 'bob'], count: 2 }, '--> bob joined'],
    [{ type: 'joined', position: 1, nicks: ['alice'], count: 1 }, undefined],
    [{ type: 'left', position: 1, nicks: [], count: 1200 }, '<-- 1200 members left'],
    [{ type: 'joined', position: 1, nicks: ['b\u202eob'], count: 1 }, '--> b\\u{202e}ob joined'],
  ];
  test.each(coming)('prints joins and leaves of others, but not the own join: %j', (event, line) => {
    expect(alice(event)).toBe(line);
  });

  const odd: [ClientEvent, string | undefined][] = [
    [{ type: 'gap', from: 3, to: 9 }, '-- gap: 7 messages expired (entries 3 to 9)'],
    [{ type: 'log-changed', log: 'other' }, '-- the relay lost its history; positions restart'],
    [
      { type: 'undecryptable', position: 4, reason: 'wrong key or tampered' },
      '-- entry 4 cannot be decrypted: wrong key or tampered',
    ],
    [{ type: 'queued', lines: ['x'], token: 'x' as Token, bytes: 1 }, undefined],
    [{ type: 'stored', position: 1, lines: ['x'], token: 'x' as Token, bytes: 1 }, undefined],
    [{ type: 'duplicate', position: 1 }, undefined],
    [{ type: 'input-complete' }, undefined],
    [{ type: 'bye', reason: 'shutdown', retryMs: 0 }, undefined],
  ];
  test.each(odd)('prints what is missing, and nothing internal: %j', (event, line) => {
    expect(alice(event)).toBe(line);
  });

  test('prints one line that is safe for a terminal for any input of others', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (nick, text) => {
        for (const event of [
          messageEvent({ nick, text }),
          welcomeEvent({ members: [nick, text], count: 3 }),
          { type: 'joined', position: 1, nicks: [nick, text], count: 2 } as const,
        ])
          expect(pipeFormat('alice', (key) => key === VERIFIED)(event) ?? '').not.toMatch(UNSAFE_EXCEPT_TAB);
      }),
    );
  });
});
