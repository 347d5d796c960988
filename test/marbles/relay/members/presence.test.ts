import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, filter, from, map, pipe, toArray } from 'rxjs';
import type { Member } from '../../../../streams/relay/connection/parseCommands.js';
import {
  type Announced,
  presence,
  type PresenceOptions,
} from '../../../../streams/relay/members/presence.js';
import type { MemberEvent } from '../../../../streams/relay/members/members.js';
import { formatAnnouncement } from '../../../../streams/wire/entry.js';
import { MAX_LISTED_MEMBERS } from '../../../../streams/wire/handshake.js';
import { marbles } from '../../../support/marbles.js';
import { batch, member, describeEvent, token } from '../../../support/wire.js';

const alice = member('alice');
const bob = member('bob');
const carol = member('carol');

const joined = (who: Member, count = 1): Extract<MemberEvent, { type: 'joined' }> => ({
  type: 'joined',
  member: who,
  resumed: false,
  count,
  members: undefined,
});
const returned = (who: Member, count = 1): MemberEvent => ({ ...joined(who, count), resumed: true });
const left = (who: Member): MemberEvent => ({ type: 'disconnected', member: who, reason: 'reset by peer' });
const departed = (who: Member): MemberEvent => ({ type: 'left', member: who });
const tokens = (who: Member): MemberEvent => ({ type: 'tokens', member: who, lines: batch(token('x')) });

const event = {
  a: joined(alice),
  b: joined(bob, 2),
  c: joined(carol, 3),
  x: tokens(alice),
  y: tokens(bob),
  p: { type: 'pinged', member: bob } as const,
  q: { type: 'idle', member: bob } as const,
  l: left(bob),
  r: returned(bob, 2),
  A: departed(alice),
  B: departed(bob),
  C: departed(carol),
};

const out = {
  a: 'alice joined',
  b: 'bob joined',
  c: 'carol joined',
  x: 'alice: x',
  y: 'bob: x',
  p: 'bob pinged',
  q: 'bob idle',
  l: 'bob disconnected: reset by peer',
  r: 'bob resumed',
  A: 'alice left',
  B: 'bob left',
  C: 'carol left',
  1: '+alice',
  2: '+bob',
  3: '+bob,carol',
  4: '-alice',
  5: '-bob',
  6: '+carol',
};

const announced = (options?: PresenceOptions) => pipe(presence(options), map(describeEvent));

describe('presence', () => {
  test('emits nothing when the source is silent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const membership$ = cold('-', event);
      expectObservable(membership$.pipe(announced())).toBe('-');
      expectSubscriptions(membership$.subscriptions).toBe('^');
    });
  });

  test('completes when the source is empty, and announces nothing', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', event).pipe(announced())).toBe('|');
    });
  });

  test('begins no gathering for a member that returns, and announces the next at once', () => {
    marbles(({ cold, expectObservable }) => {
      const membership$ = cold('                                      r--a---', event);
      expectObservable(membership$.pipe(announced({ coalesceMs: 9 }))).toBe('r--(a1)', out);
    });
  });

  test('leaves no timer when an endless source is unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const membership$ = hot('        a---b-c-c-c', event);
      const unsub = '                  -----!';
      expectObservable(membership$.pipe(announced()), unsub).toBe('(a1)b', out);
      expectSubscriptions(membership$.subscriptions).toBe('^----!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

test('presence works for foreign members: trains at a station', () => {
  type Train =
    | { type: 'joined'; member: { nick: string; wheels: number }; resumed: boolean; count: number }
    | { type: 'left'; member: { nick: string; wheels: number } };
  const express = { nick: 'express', wheels: 96 };
  const local = { nick: 'local', wheels: 32 };
  const train: Record<string, Train> = {
    e: { type: 'joined', member: express, resumed: false, count: 1 },
    l: { type: 'joined', member: local, resumed: false, count: 2 },
    E: { type: 'left', member: express },
  };
  const board = (event: Train | Announced) =>
    event.type === 'announced'
      ? formatAnnouncement(event.announcement)
      : `${event.type}, ${event.member.wheels} wheels`;

  marbles(({ cold, expectObservable }) => {
    const train$ = cold('           e---l-E-----', train).pipe(presence({ coalesceMs: 8 }), map(board));
    expectObservable(train$).toBe('(e1)l-E-(23)', {
      e: 'joined, 96 wheels',
      l: 'joined, 32 wheels',
      E: 'left, 96 wheels',
      1: '+express',
      2: '-express',
      3: '+local',
    });
  });
});

describe('presence in a crowd', () => {
  const crowd = (size: number) => Array.from({ length: size }, (_, n) => member(`n${n}`));
  const nicks = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `n${from + n}`).join();

  test('announces at most 100 nicks per line', () => {
    marbles(({ expectObservable }) => {
      const storm$ = from(crowd(251).map((each, n) => joined(each, n + 1))).pipe(
        announced(),
        filter((text) => text.startsWith('+')),
        toArray(),
      );
      expectObservable(storm$).toBe('(a|)', {
        a: ['+n0', `+${nicks(1, 101)}`, `+${nicks(101, 201)}`, `+${nicks(201, 251)}`],
      });
    });
  });

  test('announces numbers above 1000 members, and names again when there are fewer', () => {
    marbles(({ cold, expectObservable }) => {
      const membership$ = cold('a---b---c---A---B---', {
        ...event,
        a: joined(alice, MAX_LISTED_MEMBERS),
        b: joined(bob, MAX_LISTED_MEMBERS + 1),
        c: joined(carol, MAX_LISTED_MEMBERS + 2),
      });
      const expected = '        (a1)(b7)(c7)(A8)(B5)';
      expectObservable(membership$.pipe(announced({ coalesceMs: 2 }))).toBe(expected, {
        ...out,
        7: '+*1',
        8: '-*1',
      });
    });
  });
});
