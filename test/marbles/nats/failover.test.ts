import { describe, expect, test } from '@jest/globals';
import { createFailover, UNANSWERED_MS } from '../../../src/nats/failover.js';
import { marbles } from '../../support/marbles.js';

type Connection = Parameters<typeof createFailover>[0];

const APPEND = 'rx.0.room';
const DIRECT_READ = '$JS.API.DIRECT.GET.RX0.rx.0.room';

const LEADER_READ = '$JS.API.STREAM.MSG.GET.RX0';

/**
 * Draws requests through a server of a cluster: a read `r` or an append `a` has no answer in time, `L` is a read that the leader of
 * a stream answers, `D` one that any server answers, and `S` a record that is stored. Returns how often the connection changed its
 * server.
 */
const reconnectsAfter = (requests: string, cluster: string | null = 'rxchat'): number => {
  let reconnects = 0;
  const connection = {
    info: { ...(cluster !== null && { cluster }) } as NonNullable<Connection['info']>,
    getServer: () => 'a:4222',
    reconnect: () => {
      reconnects += 1;
      return Promise.resolve();
    },
  };
  marbles(({ hot, expectObservable }) => {
    const failover = createFailover(connection);
    hot(requests).subscribe((request) => {
      if (request === 'r') failover.onUnanswered(LEADER_READ);
      else if (request === 'a') failover.onUnanswered(APPEND);
      else if (request === 'S') failover.onStored();
      else failover.onAnswered(request === 'L' ? LEADER_READ : DIRECT_READ);
    });
    expectObservable(failover.change$).toBe('');
  });
  return reconnects;
};

describe('the failover of a connection to NATS', () => {
  test.each(['r', 'a'])('changes the server if no leader has answered for a while after %s', (request) => {
    expect(reconnectsAfter(`${request} ${UNANSWERED_MS}ms -`)).toBe(1);
    expect(reconnectsAfter(`${request} ${UNANSWERED_MS - 2}ms ${request} -`)).toBe(1);
    expect(reconnectsAfter(`${request} ${UNANSWERED_MS}ms ${request} ${UNANSWERED_MS}ms -`)).toBe(2);
  });

  test('does not change it if a leader has answered meanwhile', () => {
    for (const answers of ['r 10ms L', 'r 10ms S', 'a 10ms S', 'L', 'S'])
      expect(reconnectsAfter(`${answers} ${UNANSWERED_MS}ms -`)).toBe(0);
  });

  test('does not take the answers of a server from its own records for those of a leader', () => {
    expect(reconnectsAfter(`r 10ms D ${UNANSWERED_MS}ms D`)).toBe(1);
  });

  test('takes no read as an answer after an append: a leader that is separated answers reads for a while', () => {
    expect(reconnectsAfter(`a 10ms L ${UNANSWERED_MS}ms L`)).toBe(1);
    expect(reconnectsAfter(`a 10ms (rL) ${UNANSWERED_MS}ms L`)).toBe(1);
  });

  test('does not leave a server that belongs to no cluster', () => {
    expect(reconnectsAfter(`a ${UNANSWERED_MS}ms -`, null)).toBe(0);
  });
});

test('a reconnect that chose the same server is followed by another one, once', () => {
  let server = 'a:4222';
  let reconnects = 0;
  const failover = createFailover({
    info: { cluster: 'rxchat' } as NonNullable<Connection['info']>,
    getServer: () => server,
    reconnect: () => {
      reconnects += 1;
      return Promise.resolve();
    },
  });
  marbles(({ expectObservable, cold }) => {
    cold('-t').subscribe(() => {
      failover.onUnanswered(APPEND);
    });
    expectObservable(failover.change$).toBe('');
  });
  expect(reconnects).toBe(1);
  expect(failover.onReconnect()).toBe(true);
  expect(reconnects).toBe(2);
  server = 'b:4222';
  // Whatever it chooses now, it stays there.
  expect(failover.onReconnect()).toBe(false);
  expect(reconnects).toBe(2);
});
