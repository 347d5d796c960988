import { describe, expect, test } from '@jest/globals';
import { filter, map, pipe, timer } from 'rxjs';
import { serveRoom, type ServeRoomOptions } from '../../../streams/relay/serveRoom.js';
import type { MemberCommand } from '../../../streams/relay/connection/parseCommands.js';
import { membersFixture, type MemberOptions } from '../../support/membersFixture.js';
import { roomKinds } from '../../support/roomKinds.js';
import { marbles } from '../../support/marbles.js';
import { fakeHash } from '../../support/envelopes.js';
import { batch, relayEvents, describeEvent, token } from '../../support/wire.js';
import { entryHash } from '../../../streams/wire/fields.js';
import { encodeText } from '../../../streams/wire/encoding.js';

const hashOf = (line: string) => entryHash(fakeHash(encodeText(line)));
const BOB = hashOf('+bob');
const Z = hashOf(token('z'));

describe.each(roomKinds)('in %s', (_, { serve, durability }) => {
  const served = (more: Partial<ServeRoomOptions> = {}) =>
    pipe(
      serve('lobby', { logId: () => 'log', hash: fakeHash, endOfTick$: timer(0), coalesceMs: 0, ...more }),
      map(describeEvent),
    );

  describe('the position at which a newcomer begins', () => {
    const cases: { name: string; who: MemberOptions; from: number; lines: string[] }[] = [
      { name: 'is the end when it requests nothing', who: {}, from: 4, lines: [] },
      { name: 'is before the newest entries that it requests', who: { last: 2 }, from: 2, lines: ['z', 'z'] },
      { name: 'is the end when it requests the last 0', who: { last: 0 }, from: 4, lines: [] },
      {
        name: 'is the beginning when it requests more entries than there are',
        who: { last: 99 },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is after the last entry that it has',
        who: { after: { log: 'log', n: 2 } },
        from: 3,
        lines: ['z'],
      },
      {
        name: 'is the beginning after position 0',
        who: { after: { log: 'log', n: 0 } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      { name: 'is the end when it has everything', who: { after: { log: 'log', n: 3 } }, from: 4, lines: [] },
      {
        name: 'is the end after a position that does not exist yet',
        who: { after: { log: 'log', n: 99 } },
        from: 4,
        lines: [],
      },
      { name: 'is after a position of any log', who: { after: { log: '*', n: 2 } }, from: 3, lines: ['z'] },
      {
        name: 'is the beginning after a position of a lost log',
        who: { after: { log: 'lost', n: 2 } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is after the entry that it has read, if that matches',
        who: { after: { log: 'log', n: 2, hash: Z } },
        from: 3,
        lines: ['z'],
      },
      {
        name: 'is the end after the newest entry, if that matches',
        who: { after: { log: 'log', n: 3, hash: Z } },
        from: 4,
        lines: [],
      },
      {
        name: 'is the beginning when it has read another entry at its position',
        who: { after: { log: 'log', n: 2, hash: BOB } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is the beginning when it has read another newest entry',
        who: { after: { log: 'log', n: 3, hash: BOB } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is the beginning when the entry that it has read does not exist yet',
        who: { after: { log: 'log', n: 9, hash: Z } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is the beginning after an entry of a lost log, even if the same one is here',
        who: { after: { log: 'lost', n: 2, hash: Z } },
        from: 1,
        lines: ['+bob', 'z', 'z'],
      },
      {
        name: 'is after what it has rather than at the newest entries',
        who: { after: { log: 'log', n: 2 }, last: 3 },
        from: 3,
        lines: ['z'],
      },
    ];

    test.each(cases)('$name', ({ who, from, lines }) => {
      marbles(({ hot, expectObservable, flush }) => {
        const { command, alice } = membersFixture({ alice: who });
        const command$ = hot('                       -B----z-z-A', command);
        expectObservable(command$.pipe(served())).toBe('-(KB)-z-z-(JA)', relayEvents);
        flush();
        const [welcome, ...rest] = alice.writes;
        expect(welcome).toBe(
          `WELCOME log=log next=4 first=1 from=${from} durability=${durability} count=2 members=bob,alice\n`,
        );
        expect(rest.join('').replace(/gAAAAz_*/g, 'z')).toBe([...lines, '+alice', ''].join('\n'));
      });
    });
  });
});

test('a newcomer begins behind a GAP when the requested entries are gone', () => {
  marbles(({ hot, expectObservable, flush }) => {
    const { command, alice } = membersFixture({ alice: { after: { log: '*', n: 4 } } });
    const many = {
      ...command,
      M: { ...command['z']!, lines: batch(...Array<string>(50).fill(token('z'))) },
    };
    const command$ = hot('-B----M-A', many as Record<string, MemberCommand>);
    const joined$ = command$.pipe(
      serveRoom('lobby', { logId: () => 'log', endOfTick$: timer(0), coalesceMs: 0, windowBytes: 4096 }),
      map(describeEvent),
      filter((text) => text.endsWith('joined')),
    );
    expectObservable(joined$).toBe('-K------J', relayEvents);
    flush();
    const [welcome, ...rest] = alice.writes.join('').split('\n');
    expect(welcome).toBe(
      'WELCOME log=log next=52 first=12 from=5 durability=memory count=2 members=bob,alice',
    );
    expect(rest).toStrictEqual(['GAP 5 11', ...Array<string>(40).fill(token('z')), '+alice', '']);
  });
});

test('a newcomer begins after any entry when the relay cannot hash', () => {
  marbles(({ hot, expectObservable, flush }) => {
    const { command, alice } = membersFixture({ alice: { after: { log: 'log', n: 2, hash: BOB } } });
    const command$ = hot('                                           -B----z-z-A', command);
    expectObservable(
      command$.pipe(
        serveRoom('lobby', { logId: () => 'log', endOfTick$: timer(0), coalesceMs: 0 }),
        map(describeEvent),
      ),
    ).toBe('-(KB)-z-z-(JA)', relayEvents);
    flush();
    expect(alice.writes[0]).toContain(' from=3 ');
  });
});
