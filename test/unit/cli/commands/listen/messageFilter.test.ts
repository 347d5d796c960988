import { expect, test } from '@jest/globals';
import { messageFilter } from '../../../../../src/cli/commands/listen/messageFilter.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../../support/clientEvents.js';

const wanted = (filter: ReturnType<typeof messageFilter>, all: readonly ClientEvent[]): unknown[] =>
  all.flatMap(filter).flatMap(({ event, isSelected }) => {
    if (!isSelected) return [];
    return [event.type === 'message' ? event.text : event.type];
  });

const old = (position: number, text: string): ClientEvent => messageEvent({ position, text, time: 10 });
const fresh = (position: number, text: string): ClientEvent => messageEvent({ position, text, time: 100 });
const since = () => messageFilter({ since: 50, resumedFrom: undefined, excludedKey: undefined });
const history = welcomeEvent({ from: 1, next: 9 });

test('messageFilter selects everything from the first new message on, despite wrong clocks', () => {
  expect(wanted(since(), [history, old(1, 'a'), fresh(2, 'b'), old(3, 'c')])).toStrictEqual([
    'welcome',
    'b',
    'c',
  ]);
});

test('messageFilter selects messages after the own join, despite wrong clocks', () => {
  expect(wanted(since(), [history, old(8, 'a'), old(9, 'b'), old(10, 'c')])).toStrictEqual([
    'welcome',
    'b',
    'c',
  ]);
  const empty = welcomeEvent({ from: 9, next: 9 });
  expect(wanted(since(), [empty, old(9, 'a')])).toStrictEqual(['welcome', 'a']);
});

test('messageFilter selects joins and leaves from the first new message or the own join on', () => {
  const came = (position: number): ClientEvent => ({ type: 'joined', position, nicks: ['bob'], count: 1 });
  const went = (position: number): ClientEvent => ({ type: 'left', position, nicks: ['bob'], count: 1 });
  expect(wanted(since(), [history, came(1), old(2, 'a'), went(3), fresh(4, 'b'), came(5)])).toStrictEqual([
    'welcome',
    'b',
    'joined',
  ]);
  expect(wanted(since(), [history, came(1), went(8), came(9), old(10, 'a')])).toStrictEqual([
    'welcome',
    'joined',
    'a',
  ]);
});

test('messageFilter selects a gap when new messages may be in it', () => {
  const gap: ClientEvent = { type: 'gap', from: 1, to: 4 };
  expect(wanted(since(), [history, gap, old(5, 'a'), fresh(6, 'b')])).toStrictEqual(['welcome', 'b']);
  expect(wanted(since(), [history, gap, fresh(5, 'a')])).toStrictEqual(['welcome', 'gap', 'a']);
  expect(wanted(since(), [history, { ...gap, to: 8 }, old(9, 'a')])).toStrictEqual(['welcome', 'gap', 'a']);
});

test('messageFilter skips lines of an entry that were read before, but not those of another log', () => {
  const taken = { log: 'log', position: 4, lines: 2 };
  const lines = [0, 1, 2].map((index) => messageEvent({ position: 5, index, text: String(index) }));
  const make = () => messageFilter({ since: undefined, resumedFrom: taken, excludedKey: undefined });
  expect(wanted(make(), lines)).toStrictEqual(['2']);
  const changes: readonly ClientEvent[] = [
    { type: 'log-changed', log: 'other' },
    { type: 'invite-changed', secret: new Uint8Array(32) },
  ];
  for (const change of changes)
    expect(wanted(make(), [change, ...lines])).toStrictEqual([change.type, '0', '1', '2']);
  // Whether the log that continues the former one has the entry decides.
  const position = taken.position;
  for (const [shared, texts] of [
    [position, ['0', '1', '2']],
    [position + 1, ['2']],
  ] as const) {
    const continued = { type: 'log-changed', log: 'other', shared, lost: 0 } as const;
    expect(wanted(make(), [continued, ...lines])).toStrictEqual(['log-changed', ...texts]);
  }
});

test('messageFilter skips messages of a given key', () => {
  const filter = messageFilter({ since: undefined, resumedFrom: undefined, excludedKey: 'mine' });
  expect(
    wanted(filter, [messageEvent({ key: 'mine', text: 'a' }), messageEvent({ text: 'b' })]),
  ).toStrictEqual(['b']);
});
