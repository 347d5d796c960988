import {
  connect,
  merge,
  type Observable,
  type OperatorFunction,
  ReplaySubject,
  share,
  take,
  tap,
} from 'rxjs';
import { takeUntilComplete } from '../../../streams/rx/takeUntilComplete.js';
import { formatAddress } from '../../util/address.js';
import { CertificateError } from '../../net/tls/certificate.js';
import type { ListenAddress, Listener, ListenerFault } from '../../net/listener.js';
import { errorCode, describeNetworkError } from '../../util/errors.js';
import { CliError, Exit, printNote } from './exit.js';

/** Time in ms after a signal for members to receive the accepted messages. */
export const DELIVERY_GRACE_MS = 800;

/** Time in ms after a signal until the process exits, whatever is still open. */
const FORCE_EXIT_MS = 1500;

/** Emits the first of these signals, and replays it to every later subscriber. */
export const shutdownSignal = (signal$: Observable<number>): Observable<number> =>
  signal$.pipe(
    take(1),
    tap(() => {
      printNote('stopping: delivering accepted messages; a second signal exits at once');
      setTimeout(() => process.exit(Exit.ok), FORCE_EXIT_MS).unref();
    }),
    share({ connector: () => new ReplaySubject(1), resetOnComplete: false, resetOnRefCountZero: false }),
  );

/**
 * Merges the events of a relay with the socket faults of its listeners.
 * The faults end when the relay completes.
 */
export const mergeFaults =
  <T>(...listeners: readonly (Listener | undefined)[]): OperatorFunction<T, T | ListenerFault> =>
  (event$) =>
    event$.pipe(
      connect((shared$) =>
        merge(
          shared$,
          ...listeners
            .flatMap((listener) => listener?.fault$ ?? [])
            .map((fault$) => fault$.pipe(takeUntilDone(shared$))),
        ),
      ),
    );

const takeUntilDone = (source$: Observable<unknown>) => takeUntilComplete<ListenerFault>(source$);

/** Returns an error that explains why the address is unusable, with a hint. */
export const listenError = (address: ListenAddress, error: unknown, flag = '--port'): unknown => {
  if (error instanceof CertificateError) return error;
  const reason = error instanceof Error ? describeNetworkError(error) : String(error);
  if (address.fd !== undefined)
    return new CliError(
      Exit.usage,
      `cannot listen on the socket of systemd instead of ${flag}: ${reason}`,
      'its unit needs ListenStream= with a port or an address, and Accept=no',
    );
  const message = `cannot listen on ${formatAddress(address)}: ${reason}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new CliError(
        Exit.network,
        message,
        flag === '--metrics'
          ? 'another program listens there; choose another port with --metrics'
          : `another relay may be running; choose another port with ${flag}`,
      );
    case 'EACCES':
      return new CliError(
        Exit.network,
        message,
        `ports below 1024 need privileges; choose another with ${flag}`,
      );
    default:
      return new CliError(
        Exit.usage,
        message,
        `choose an address of this machine with ${flag.replace(/port$/, 'host')}`,
      );
  }
};
