import { expect, test } from '@jest/globals';
import { fakeConnection } from '../../../../../support/fakeConnection.js';
import { member } from '../../../../../support/wire.js';
import {
  createMetrics,
  type MetricsSources,
} from '../../../../../../src/cli/commands/serve/metrics/metrics.js';

const SOURCES: MetricsSources = {
  version: '1.2.3',
  limits: { connections: Infinity, windowBytes: 100, storeBytes: undefined },
  traffic: () => ({ acceptedSockets: 5, receivedBytes: 700, sentBytes: 800 }),
  storeFiles: () => undefined,
  certificateExpiry: () => 1_800_000_000_000,
  isReady: () => true,
};

/** Returns the samples of some metrics by their name and labels. */
const samplesOf = (text: string, pattern: RegExp): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => !line.startsWith('#') && pattern.test(line))
      .map((line) => line.split(' ') as [string, string]),
  );

test('events, samples and sources become metrics, and nothing of a member is in them', async () => {
  const metrics = createMetrics(SOURCES);
  const connection = { ...fakeConnection(), peer: '192.0.2.7:4242' };
  const alice = member('alice-secret', { connection });
  const count = { count: 3, bytes: 300 };
  metrics.record({ type: 'stored', member: alice, ...count });
  metrics.record({ type: 'stored', member: alice, ...count });
  metrics.record({ type: 'refused', member: alice, code: 'nick-taken', text: 'the nick is taken' });
  metrics.record({ type: 'rejected', peer: '192.0.2.7:1', code: 'busy', reason: 'too many' });
  metrics.record({ type: 'rejected', peer: '192.0.2.7:2', code: 'busy', reason: 'too many' });
  metrics.record({ type: 'disconnected', member: alice, reason: 'bye' });
  metrics.record({ type: 'failed', member: alice, reason: 'EPIPE' });
  metrics.record({ type: 'room-failed', room: alice.room, reason: 'bug' });
  metrics.record({ type: 'not-stored', room: alice.room, reason: 'ENOSPC' });
  metrics.record({ type: 'origin-refused', peer: '192.0.2.7:3', origin: 'https://evil.example' });
  metrics.record({
    type: 'sampled',
    connections: 9,
    rooms: 2,
    members: 8,
    slowReaders: 1,
    sentEntries: 40,
    skippedEntries: 4,
    windowBytes: 50,
  });
  metrics.recordCommit(3);
  metrics.recordUsage({ rooms: 6, bytes: 6000 });
  const text = await metrics.format();
  expect(samplesOf(text, /^rxchat_(?!commit|event)/)).toStrictEqual({
    'rxchat_build_info{version="1.2.3"}': '1',
    rxchat_ready: '1',
    rxchat_connections: '9',
    rxchat_connections_limit: '+Inf',
    rxchat_sockets_accepted_total: '5',
    rxchat_joins_total: '0',
    rxchat_leaves_total: '1',
    'rxchat_refusals_total{code="nick-taken"}': '1',
    'rxchat_refusals_total{code="busy"}': '2',
    rxchat_members: '8',
    rxchat_slow_readers: '1',
    rxchat_member_failures_total: '1',
    rxchat_rooms: '2',
    rxchat_room_failures_total: '1',
    rxchat_entries_received_total: '6',
    rxchat_entries_sent_total: '40',
    rxchat_entries_skipped_total: '4',
    rxchat_received_bytes_total: '700',
    rxchat_sent_bytes_total: '800',
    rxchat_window_bytes: '50',
    rxchat_window_limit_bytes: '100',
    rxchat_store_errors_total: '1',
    rxchat_store_bytes: '6000',
    rxchat_store_rooms: '6',
    rxchat_tls_certificate_expiry_timestamp_seconds: '1800000000',
    'rxchat_listener_faults_total{type="origin-refused"}': '1',
  });
  expect(samplesOf(text, /^rxchat_commit_\w+(\{le="0.00[25]5?"\}| )/)).toStrictEqual({
    'rxchat_commit_duration_seconds_bucket{le="0.0025"}': '0',
    'rxchat_commit_duration_seconds_bucket{le="0.005"}': '1',
    rxchat_commit_duration_seconds_sum: '0.003',
    rxchat_commit_duration_seconds_count: '1',
  });
  expect(text).not.toMatch(new RegExp(`192\\.0\\.2|secret|evil|${alice.room}`));
});

test('a second scrape counts nothing twice', async () => {
  const metrics = createMetrics(SOURCES);
  metrics.record({ type: 'rejected', peer: 'a', code: 'closed', reason: 'the connection ended' });
  await metrics.format();
  expect(samplesOf(await metrics.format(), /^rxchat_(refusals|sent_bytes)/)).toStrictEqual({
    'rxchat_refusals_total{code="closed"}': '1',
    rxchat_sent_bytes_total: '800',
  });
});
