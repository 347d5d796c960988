import { describe, expect, test } from '@jest/globals';
import type { ConnectionInfo } from '../../../streams/relay/index.js';
import { MAX_ROWS } from '../../../src/admin/protocol.js';
import { connectionRows, roomRows } from '../../../src/admin/rows.js';
import { CELLAR, LOBBY } from '../../support/wire.js';

const connection = (
  receivedBytes: number,
  member?: ConnectionInfo['member'],
  openedAt = 0,
): ConnectionInfo => ({ peer: `192.0.2.1:${receivedBytes}`, openedAt, receivedBytes, member });
const time = (ms: number) => new Date(ms).toISOString();

describe('the rows of connections', () => {
  test('begin with those that sent most, and have a nick and a room once they have joined', () => {
    const alice = { nick: 'alice', room: LOBBY };
    expect(connectionRows([connection(1), connection(2, alice, 5)])).toStrictEqual({
      total: 2,
      rows: [
        { peer: '192.0.2.1:2', since: time(5), receivedBytes: 2, nick: 'alice', room: LOBBY },
        { peer: '192.0.2.1:1', since: time(0), receivedBytes: 1 },
      ],
    });
  });

  test('have an end, and the number of all', () => {
    const { total, rows } = connectionRows(Array.from({ length: MAX_ROWS + 5 }, (_, n) => connection(n)));
    expect([total, rows.length, rows[0]?.receivedBytes]).toStrictEqual([
      MAX_ROWS + 5,
      MAX_ROWS,
      MAX_ROWS + 4,
    ]);
  });
});

test('the rows of rooms add up their members, and leave out who has not joined', () => {
  const [alice, bob, carol] = [
    { nick: 'alice', room: LOBBY },
    { nick: 'bob', room: LOBBY },
    { nick: 'carol', room: CELLAR },
  ];
  const all = [connection(3, alice, 9), connection(4, bob, 7), connection(20, carol, 8), connection(50)];
  expect(roomRows(all)).toStrictEqual({
    total: 2,
    rows: [
      { room: CELLAR, connections: 1, receivedBytes: 20, since: time(8) },
      { room: LOBBY, connections: 2, receivedBytes: 7, since: time(7) },
    ],
  });
});
