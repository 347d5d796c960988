import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Instruments } from './instruments.js';

/** Interval in ms at which the delay of the event loop is measured; Node's figures contain it. */
const LAG_RESOLUTION_MS = 20;

/**
 * Adds the metrics of this process, under the names that Prometheus gives them.
 *
 * prom-client has such metrics too. They are about forty; three of them break the rules for names, and the delay of the
 * event loop contains the interval at which it is measured.
 */
export const addProcessMetrics = ({ counter, gauge }: Instruments): void => {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const lagSeconds = (delayNs: number): number =>
    // Node returns no positive number before the first measurement.
    delayNs > 0 ? Math.max(0, delayNs / 1e6 - LAG_RESOLUTION_MS) / 1000 : 0;
  gauge(
    'rxchat_event_loop_lag_p99_seconds',
    '99 % of the delays of the event loop since the last scrape',
    () => lagSeconds(delay.percentile(99)),
  );
  gauge('rxchat_event_loop_lag_max_seconds', 'Longest delay of the event loop since the last scrape', () => {
    const seconds = lagSeconds(delay.max);
    delay.reset();
    return seconds;
  });
  counter('process_cpu_seconds_total', 'Processor time of the process', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge('process_resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
  gauge(
    'process_start_time_seconds',
    'Time at which the process started',
    () => performance.timeOrigin / 1000,
  );
  gauge('process_open_fds', 'Open file descriptors (Linux)', countDescriptors);
  gauge('process_max_fds', 'Limit of file descriptors (Linux)', readMaxDescriptors);
};

const countDescriptors = (): number | undefined =>
  // One of them reads the directory.
  attempt(() => readdirSync('/proc/self/fd').length - 1);

const readMaxDescriptors = (): number | undefined =>
  attempt(() => {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  });

/** Returns what `read` returns, or `undefined` if it throws, as on systems without `/proc`. */
const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};
