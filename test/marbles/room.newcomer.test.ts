import { describe, expect, test } from '@jest/globals';
import { filter, map, pipe, timer } from 'rxjs';
import { room, type RoomOptions } from '../../streams/relay/room.js';
import type { Command } from '../../streams/relay/commands.js';
import { company, type Who } from '../support/company.js';
import { marbles } from '../support/marbles.js';
import { fakeHash } from '../support/people.js';
import { batch, happened, tell, token } from '../support/wire.js';
import { entryHash } from '../../streams/wire/entryHash.js';
import { encodeText } from '../../streams/wire/utf8.js';

const served = (more: Partial<RoomOptions> = {}) =>
  pipe(room('lobby', { logId: () => 'log', hash: fakeHash, turn$: timer(0), gather: 0, ...more }), map(tell));

const hashOf = (line: string) => entryHash(fakeHash(encodeText(line)));
const BOB = hashOf('+bob');
const Z = hashOf(token('z'));

describe('where a newcomer begins', () => {
  const cases: { name: string; who: Who; from: number; lines: string[] }[] = [
    { name: 'with what comes, where it asks for nothing', who: {}, from: 4, lines: [] },
    { name: 'with the newest few', who: { last: 2 }, from: 2, lines: ['z', 'z'] },
    { name: 'with what comes, where it asks for the last 0', who: { last: 0 }, from: 4, lines: [] },
    {
      name: 'with all, where it asks for more than there are',
      who: { last: 99 },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    { name: 'after what it has', who: { after: { log: 'log', n: 2 } }, from: 3, lines: ['z'] },
    { name: 'with all, after 0', who: { after: { log: 'log', n: 0 } }, from: 1, lines: ['+bob', 'z', 'z'] },
    { name: 'with what comes, where it has all', who: { after: { log: 'log', n: 3 } }, from: 4, lines: [] },
    {
      name: 'with what comes, after a position not there yet',
      who: { after: { log: 'log', n: 99 } },
      from: 4,
      lines: [],
    },
    { name: 'after a position of any log', who: { after: { log: '*', n: 2 } }, from: 3, lines: ['z'] },
    {
      name: 'with all, after a position of a lost log',
      who: { after: { log: 'lost', n: 2 } },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    {
      name: 'after the entry that it has read, if that is the one here',
      who: { after: { log: 'log', n: 2, hash: Z } },
      from: 3,
      lines: ['z'],
    },
    {
      name: 'with what comes, after the newest entry, if that is the one here',
      who: { after: { log: 'log', n: 3, hash: Z } },
      from: 4,
      lines: [],
    },
    {
      name: 'with all, where it has read another entry at its position',
      who: { after: { log: 'log', n: 2, hash: BOB } },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    {
      name: 'with all, where it has read another newest entry',
      who: { after: { log: 'log', n: 3, hash: BOB } },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    {
      name: 'with all, where the entry that it has read is not there yet',
      who: { after: { log: 'log', n: 9, hash: Z } },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    {
      name: 'with all, after an entry of a lost log, even if the same is here',
      who: { after: { log: 'lost', n: 2, hash: Z } },
      from: 1,
      lines: ['+bob', 'z', 'z'],
    },
    {
      name: 'after what it has rather than with the newest',
      who: { after: { log: 'log', n: 2 }, last: 3 },
      from: 3,
      lines: ['z'],
    },
  ];

  test.each(cases)('$name', ({ who, from, lines }) => {
    marbles(({ hot, expectObservable, flush }) => {
      const { command, alice } = company({ alice: who });
      const command$ = hot('                       -B----z-z-A', command);
      expectObservable(command$.pipe(served())).toBe('-(KB)-z-z-(JA)', happened);
      flush();
      const [welcome, ...rest] = alice.writes;
      expect(welcome).toBe(
        `WELCOME log=log next=4 first=1 from=${from} durability=memory count=2 members=bob,alice\n`,
      );
      expect(rest.join('').replace(/gAAAAz_*/g, 'z')).toBe([...lines, '+alice', ''].join('\n'));
    });
  });

  test('with a GAP, where what it asks for is gone', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { command, alice } = company({ alice: { after: { log: '*', n: 4 } } });
      const many = {
        ...command,
        M: { ...command['z']!, lines: batch(...Array<string>(50).fill(token('z'))) },
      };
      const command$ = hot('-B----M-A', many as Record<string, Command>);
      const joined$ = command$.pipe(
        served({ window: 4096 }),
        filter((text) => text.endsWith('joined')),
      );
      expectObservable(joined$).toBe('-K------J', happened);
      flush();
      const [welcome, ...rest] = alice.writes.join('').split('\n');
      expect(welcome).toBe(
        'WELCOME log=log next=52 first=12 from=5 durability=memory count=2 members=bob,alice',
      );
      expect(rest).toStrictEqual(['GAP 5 11', ...Array<string>(40).fill(token('z')), '+alice', '']);
    });
  });

  test('after any entry, where the relay cannot hash', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { command, alice } = company({ alice: { after: { log: 'log', n: 2, hash: BOB } } });
      const command$ = hot('                                           -B----z-z-A', command);
      expectObservable(command$.pipe(served({ hash: undefined }))).toBe('-(KB)-z-z-(JA)', happened);
      flush();
      expect(alice.writes[0]).toContain(' from=3 ');
    });
  });
});
