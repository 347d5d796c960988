import { describe, expect, test } from '@jest/globals';
import { createFailover, UNANSWERED_MS } from '../../../src/nats/failover.js';
import { marbles } from '../../support/marbles.js';

type Connection = Parameters<typeof createFailover>[0];

const APPEND = 'rx.0.room';
const DIRECT_READ = '$JS.API.DIRECT.GET.RX0.rx.0.room';

/**
 * Draws requests through a server of a cluster: `t` has no answer in time, `a` is answered by the leader of a stream, `d` by any
 * server. Returns how often the connection changed its server.
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
      if (request === 't') failover.onUnanswered();
      else failover.onAnswered(request === 'a' ? APPEND : DIRECT_READ);
    });
    expectObservable(failover.change$).toBe('');
  });
  return reconnects;
};

describe('the failover of a connection to NATS', () => {
  test('changes the server if no leader has answered for a while after a request', () => {
    expect(reconnectsAfter(`t ${UNANSWERED_MS}ms -`)).toBe(1);
    expect(reconnectsAfter(`t ${UNANSWERED_MS - 2}ms t -`)).toBe(1);
    expect(reconnectsAfter(`t ${UNANSWERED_MS}ms t ${UNANSWERED_MS}ms -`)).toBe(2);
  });

  test('does not change it if a leader has answered meanwhile', () => {
    expect(reconnectsAfter(`t 10ms a ${UNANSWERED_MS}ms a`)).toBe(0);
    expect(reconnectsAfter(`a ${UNANSWERED_MS}ms a`)).toBe(0);
  });

  test('does not take the answers of a server from its own records for those of a leader', () => {
    expect(reconnectsAfter(`t 10ms d ${UNANSWERED_MS}ms d`)).toBe(1);
  });

  test('does not leave a server that belongs to no cluster', () => {
    expect(reconnectsAfter(`t ${UNANSWERED_MS}ms -`, null)).toBe(0);
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
    cold('-t').subscribe(failover.onUnanswered);
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
