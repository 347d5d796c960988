import { spawn } from 'node:child_process';
import { EMPTY, ignoreElements, interval, map, merge, type Observable, of, take, takeUntil, tap } from 'rxjs';
import { addListener } from '../../util/guard.js';

/** The variables with which systemd starts a service of `Type=notify`. */
export interface SystemdVariables {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** Sends a state to systemd. */
export type Notify = (state: 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1') => void;

/** Sends a state with `systemd-notify`, because Node has no datagram sockets of the family that systemd uses. */
const runSystemdNotify: Notify = (state) => {
  const child = spawn('systemd-notify', [state], { stdio: 'ignore' });
  const ignore = () => undefined;
  // Without that program, systemd ends the service after its start timeout, and logs the reason.
  addListener(child, 'error', ignore, ignore);
  child.unref();
};

/**
 * Reports to systemd that this process is ready now, that it works, and that it stops. Does nothing if systemd did not
 * ask for that. Emits nothing, and completes when the process stops.
 *
 * @param stop$ emits when the process stops
 * @see sd_notify(3) and sd_watchdog_enabled(3) of systemd
 */
export const reportToSystemd = (
  stop$: Observable<unknown>,
  { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }: SystemdVariables = process.env,
  notify: Notify = runSystemdNotify,
): Observable<never> => {
  if (NOTIFY_SOCKET === undefined) return EMPTY;
  const isWatched = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  const watchdogMs = isWatched ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0;
  const state$ = merge(
    of('READY=1' as const),
    stop$.pipe(
      take(1),
      map(() => 'STOPPING=1' as const),
    ),
    // systemd recommends half of the time.
    watchdogMs > 0
      ? interval(watchdogMs / 2).pipe(
          map(() => 'WATCHDOG=1' as const),
          takeUntil(stop$),
        )
      : EMPTY,
  );
  return state$.pipe(tap(notify), ignoreElements());
};
