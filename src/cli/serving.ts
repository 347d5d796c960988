import {
  connect,
  endWith,
  ignoreElements,
  merge,
  type Observable,
  type OperatorFunction,
  ReplaySubject,
  share,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import { type Address, formatAddress } from '../address.js';
import { CertificateError } from '../tls/certificate.js';
import type { ListeningFault } from '../transport/fault.js';
import type { Listening } from '../transport/listening.js';
import { errorCode, explainNetworkError } from '../transport/networkError.js';
import { CliError, Exit, note } from './exit.js';

/** How long, in ms after a signal, members may take to receive what was accepted. */
export const DELIVERY_GRACE = 800;

/** By then, in ms after a signal, the process has ended whatever is still open. */
const LAST_RESORT = 1500;

/** Emits at the first of these signals, to everyone and for good. */
export const stopped = (signal$: Observable<number>): Observable<number> =>
  signal$.pipe(
    take(1),
    tap(() => {
      note('stopping, delivering what was accepted; a second signal ends at once');
      setTimeout(() => process.exit(Exit.ok), LAST_RESORT).unref();
    }),
    share({ connector: () => new ReplaySubject(1), resetOnComplete: false, resetOnRefCountZero: false }),
  );

/** Passes on what a relay says, and meanwhile what goes wrong with sockets that are no connection. */
export const withFaults =
  <T>(...ears: readonly (Listening | undefined)[]): OperatorFunction<T, T | ListeningFault> =>
  (event$) =>
    event$.pipe(
      connect((said$) =>
        merge(
          said$,
          ...ears.flatMap((ear) => ear?.fault$ ?? []).map((fault$) => fault$.pipe(untilEnd(said$))),
        ),
      ),
    );

const untilEnd = (said$: Observable<unknown>) =>
  takeUntil<ListeningFault>(said$.pipe(ignoreElements(), endWith(undefined)));

/** Why an address cannot be listened on, and what to do. */
export const cannotListen = (address: Address, error: unknown, flag = '--port'): unknown => {
  if (error instanceof CertificateError) return error;
  const reason = error instanceof Error ? explainNetworkError(error) : String(error);
  const message = `cannot listen on ${formatAddress(address)}: ${reason}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new CliError(
        Exit.network,
        message,
        `another relay may be running; choose another port with ${flag}`,
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
        `choose an address of this machine with ${flag.replace('port', 'host')}`,
      );
  }
};
