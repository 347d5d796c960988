import { expect, test } from '@jest/globals';
import {
  hashInCursor,
  trackPosition,
  type StoredPosition,
} from '../../../../../src/cli/commands/listen/cursorFile.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../../support/clientEvents.js';
import { BOB } from '../../../../support/envelopes.js';

const places = (start: StoredPosition | undefined, batch: readonly ClientEvent[]): unknown[] => {
  const advance = trackPosition(start);
  return batch.map((event, at) => {
    const cursor = advance(event, batch[at + 1]);
    return cursor && `${cursor.log} ${cursor.position}+${cursor.lines}`;
  });
};
const START: StoredPosition = { log: 'log', position: 4, lines: 0 };

test('a cursor counts lines within an entry, and none after it', () => {
  const batch = [0, 1].map((index) => messageEvent({ position: 5, index }));
  expect(places(START, [...batch, messageEvent({ position: 6 })])).toStrictEqual([
    'log 4+1',
    'log 5+0',
    'log 6+0',
  ]);
});

test('a cursor does not pass an entry for an event before it', () => {
  const observed: ClientEvent = { type: 'first-seen', position: 5, nick: 'bob', key: BOB.key };
  expect(places(START, [observed, messageEvent({ position: 5 })])).toStrictEqual(['log 4+0', 'log 5+0']);
});

test('a cursor is set by the first join, and not by a reconnect', () => {
  const come = welcomeEvent({ log: 'log', from: 10 });
  expect(places(undefined, [messageEvent({}), come])).toStrictEqual([undefined, 'log 9+0']);
  const gap: ClientEvent = { type: 'gap', from: 5, to: 9 };
  expect(places(START, [come, gap])).toStrictEqual(['log 4+0', 'log 9+0']);
});

test('a cursor begins at the join when the log is another one', () => {
  const changed: ClientEvent = { type: 'log-changed', log: 'other' };
  expect(places(START, [welcomeEvent({ log: 'other', from: 1 }), changed])).toStrictEqual([
    'log 4+0',
    'other 0+0',
  ]);
});

test('a cursor follows a group room into its next log, and not into another log of the same room', () => {
  const moved: ClientEvent = { type: 'invite-changed', secret: new Uint8Array(32) };
  const next = welcomeEvent({ log: 'next', from: 1 });
  expect(
    places(START, [moved, next, messageEvent({ position: 1 }), welcomeEvent({ log: 'x' })]),
  ).toStrictEqual(['log 4+0', 'next 0+0', 'next 1+0', 'next 1+0']);
  expect(places(START, [moved, welcomeEvent({ log: 'log', from: 5 }), next])).toStrictEqual(
    Array(3).fill('log 4+0'),
  );
});

test('a cursor names the newest token and its announcement, which another log may have at the same position', () => {
  const advance = trackPosition(START);
  const joined: ClientEvent = { type: 'joined', position: 6, nicks: ['bob'], count: 1, hash: 'six' };
  const reported = [
    { ...joined, position: 5, hash: 'five' },
    joined,
    messageEvent({ position: 7, hash: 'seven' }),
    { ...joined, position: 8, hash: 'eight' },
    { ...joined, position: 9, hash: 'nine' },
    messageEvent({ position: 10, hash: 'ten' }),
  ].map((received) => advance(received, undefined));
  expect(reported.map((cursor) => cursor?.earlier)).toStrictEqual([
    undefined,
    { n: 5, hash: 'five' },
    undefined,
    { n: 7, hash: 'seven' },
    { n: 7, hash: 'seven' },
    undefined,
  ]);
});

/** A hash in the form of an entry's. */
const hashOf = (n: number) => `hash${String(n).padStart(7, '0')}`;

const afterMessages = (
  from: number,
  to: number,
  advance = trackPosition(START),
): StoredPosition | undefined => {
  let cursor: StoredPosition | undefined;
  for (let position = from; position <= to; position += 1)
    cursor = advance(messageEvent({ position, hash: hashOf(position) }), undefined);
  return cursor;
};

test('a cursor has the hashes of the newest entries without a gap', () => {
  const cursor = afterMessages(5, 5000)!;
  expect([5000, 4999, 2953].map((n) => hashInCursor(cursor, n))).toStrictEqual(
    [5000, 4999, 2953].map(hashOf),
  );
  expect([5001, 1, 0].map((n) => hashInCursor(cursor, n))).toStrictEqual(Array(3).fill(undefined));
  const advance = trackPosition(START);
  afterMessages(5, 9, advance);
  const skipped = afterMessages(12, 13, advance)!;
  expect([13, 12, 11, 9].map((n) => hashInCursor(skipped, n))).toStrictEqual([
    ...[13, 12].map(hashOf),
    ...[undefined, undefined],
  ]);
});

test('a cursor moves back to the last entry that a restored log has, and keeps the hashes of those before', () => {
  const advance = trackPosition(START);
  afterMessages(5, 9, advance);
  advance(welcomeEvent({ log: 'new', from: 8 }), undefined);
  const cursor = advance({ type: 'log-changed', log: 'new', shared: 7, lost: 2 }, undefined)!;
  expect(cursor).toMatchObject({ log: 'new', position: 7, lines: 0, hash: hashOf(7) });
  expect([8, 7, 5].map((n) => hashInCursor(cursor, n))).toStrictEqual([undefined, hashOf(7), hashOf(5)]);
});

test.each([
  ['has', 9, 'new 4+1'],
  ['has lost', 4, 'new 4+0'],
])(
  'a cursor within an entry that the log %s goes on in the log that continues the former one',
  (_, shared, place) => {
    const changed: ClientEvent = { type: 'log-changed', log: 'new', shared, lost: 0 };
    const half: StoredPosition = { ...START, lines: 1 };
    expect(places(half, [welcomeEvent({ log: 'new', from: 5 }), changed])).toStrictEqual(['log 4+1', place]);
  },
);
