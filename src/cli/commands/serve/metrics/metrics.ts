import { Histogram, Registry } from 'prom-client';
import type { LoadSampled, RelayEvent } from '../../../../../streams/relay/index.js';
import type { StoreUsage } from '../../../../history/index.js';
import type { ListenerFault } from '../../../../net/listener.js';
import { instruments } from './instruments.js';
import { addProcessMetrics } from './processMetrics.js';
import type { SocketTraffic } from './socketTraffic.js';

/** Bytes of the store as the file system sees them. */
export interface StoreFiles {
  readonly fileBytes: number;
  readonly freeBytes: number;
}

/** What the metrics read at each scrape. A source that returns `undefined` has no value. */
export interface MetricsSources {
  /** Version of rxchat. */
  readonly version: string;
  readonly limits: {
    readonly connections: number;
    readonly windowBytes: number;
    readonly storeBytes: number | undefined;
  };
  readonly traffic: () => SocketTraffic;
  readonly storeFiles: () => StoreFiles | undefined;
  /** Time in ms since 1970 until when the certificate is valid. */
  readonly certificateExpiry: () => number | undefined;
  readonly isReady: () => boolean;
}

/** The metrics of a relay. */
export interface Metrics {
  readonly record: (event: RelayEvent | ListenerFault) => void;
  readonly recordCommit: (durationMs: number) => void;
  readonly recordUsage: (usage: StoreUsage) => void;
  /** Returns all metrics in the text format of Prometheus. */
  readonly format: () => Promise<string>;
  /** The media type of `format`. */
  readonly type: string;
}

/** Upper bounds in seconds, from a page cache to a disk that is overloaded. */
const COMMIT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/**
 * Creates the metrics of a relay and its process.
 *
 * No label has a room, a nick or an address. Events add to plain numbers, which are read at a scrape.
 */
export const createMetrics = (sources: MetricsSources): Metrics => {
  const registry = new Registry();
  let load: LoadSampled | undefined;
  let usage: StoreUsage | undefined;
  const counts = { joins: 0, leaves: 0, entries: 0, memberFailures: 0, roomFailures: 0, storeErrors: 0 };
  const refusals = new Map<string, number>();
  const faults = new Map<string, number>();
  const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);

  const added = instruments(registry);
  const { counter, counters, gauge, info } = added;
  const { version, limits, traffic, storeFiles, certificateExpiry, isReady } = sources;
  info('rxchat_build_info', 'Always 1; its label is the version of rxchat', { version });
  gauge('rxchat_ready', '1 if /readyz answers 200, else 0', () => (isReady() ? 1 : 0));

  gauge('rxchat_connections', 'Connections, with those that have not joined', () => load?.connections ?? 0);
  gauge('rxchat_connections_limit', 'Limit of --connections', () => limits.connections);
  counter(
    'rxchat_sockets_accepted_total',
    'Accepted sockets, with failed TLS handshakes and page requests',
    () => traffic().acceptedSockets,
  );
  counter('rxchat_joins_total', 'Members that joined, with those that came back', () => counts.joins);
  counter('rxchat_leaves_total', 'Members whose connection ended', () => counts.leaves);
  counters(
    'rxchat_refusals_total',
    'Clients that were rejected or closed the connection before joining, by code',
    'code',
    refusals,
  );
  gauge('rxchat_members', 'Members that are served', () => load?.members ?? 0);
  gauge(
    'rxchat_slow_readers',
    'Members whose connection takes no more bytes at the moment',
    () => load?.slowReaders ?? 0,
  );
  counter(
    'rxchat_member_failures_total',
    'Members whose connection failed during a write',
    () => counts.memberFailures,
  );
  gauge('rxchat_rooms', 'Rooms in memory', () => load?.rooms ?? 0);
  counter(
    'rxchat_room_failures_total',
    'Rooms that failed because of a bug and were restarted',
    () => counts.roomFailures,
  );

  counter('rxchat_entries_received_total', 'Messages that were stored', () => counts.entries);
  counter('rxchat_entries_sent_total', 'Entries that were sent to members', () => load?.sentEntries ?? 0);
  counter(
    'rxchat_entries_skipped_total',
    'Entries that members missed, since they were no longer stored',
    () => load?.skippedEntries ?? 0,
  );
  counter(
    'rxchat_received_bytes_total',
    'Bytes received from clients, with TLS and HTTP',
    () => traffic().receivedBytes,
  );
  counter('rxchat_sent_bytes_total', 'Bytes sent to clients, with TLS and HTTP', () => traffic().sentBytes);
  gauge('rxchat_window_bytes', 'Memory of the logs of all rooms', () => load?.windowBytes ?? 0);
  gauge('rxchat_window_limit_bytes', 'Limit of --memory-limit', () => limits.windowBytes);

  const commits = new Histogram({
    name: 'rxchat_commit_duration_seconds',
    help: 'Time until a batch of messages was stored, or failed',
    buckets: COMMIT_BUCKETS,
    registers: [registry],
  });
  counter(
    'rxchat_store_errors_total',
    'Batches and rooms that could not be stored or opened',
    () => counts.storeErrors,
  );
  gauge(
    'rxchat_store_bytes',
    'Bytes of all stored rooms as --keep-total counts them, measured once a minute',
    () => usage?.bytes,
  );
  gauge('rxchat_store_limit_bytes', 'Limit of --keep-total', () => limits.storeBytes);
  gauge('rxchat_store_rooms', 'Stored rooms, measured once a minute', () => usage?.rooms);
  gauge('rxchat_store_file_bytes', 'Size of the file of the store', () => storeFiles()?.fileBytes);
  gauge(
    'rxchat_store_free_bytes',
    'Free space of the file system of the store',
    () => storeFiles()?.freeBytes,
  );

  gauge(
    'rxchat_tls_certificate_expiry_timestamp_seconds',
    'Time until when the TLS certificate is valid',
    () => {
      const expiry = certificateExpiry();
      return expiry === undefined ? undefined : expiry / 1000;
    },
  );
  counters(
    'rxchat_listener_faults_total',
    'Faults of sockets that were no connection yet, by type',
    'type',
    faults,
  );
  addProcessMetrics(added);

  return {
    record: (event) => {
      switch (event.type) {
        case 'joined':
          counts.joins += 1;
          return;
        case 'disconnected':
          counts.leaves += 1;
          return;
        case 'stored':
          counts.entries += event.count;
          return;
        case 'refused':
        case 'rejected':
          add(refusals, event.code);
          return;
        case 'failed':
          counts.memberFailures += 1;
          return;
        case 'room-failed':
          counts.roomFailures += 1;
          return;
        case 'room-removed':
          counts.leaves += event.connections;
          return;
        case 'not-stored':
          counts.storeErrors += 1;
          return;
        case 'sampled':
          load = event;
          return;
        case 'socket-failed':
        case 'no-descriptors':
        case 'origin-refused':
        case 'proxy-header-invalid':
          add(faults, event.type);
          return;
        default:
      }
    },
    recordCommit: (durationMs) => {
      commits.observe(durationMs / 1000);
    },
    recordUsage: (measured) => {
      usage = measured;
    },
    format: () => registry.metrics(),
    type: registry.contentType,
  };
};
