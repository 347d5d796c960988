import {
  catchError,
  defer,
  endWith,
  from,
  ignoreElements,
  skip,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { classicServer, type ClassicServerEvent } from '../../../streams/classic/classicServer.js';
import type { ConnectedClient } from '../../../streams/classic/serveClient.js';
import { type Address, DEFAULT_ADDRESS, formatAddress } from '../../util/address.js';
import { programName } from '../process/environment.js';
import type { Run } from '../args/command.js';
import { Exit, printNote } from '../process/exit.js';
import { choiceFlag, type Flags } from '../args/flags.js';
import { limitsFromFlags } from '../commands/serve/relayOptions.js';
import { openRelayLog } from '../commands/serve/relayLog.js';
import { signal$ } from '../process/stdio.js';
import { LOG_LEVELS } from '../args/choices.js';
import { listenError, DELIVERY_GRACE_MS, shutdownSignal, mergeFaults } from '../process/shutdown.js';
import { safe } from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import type { ListenerFault } from '../../net/listener.js';
import { listenTcp } from '../../net/tcp.js';
import {
  SERVER_IDLE_MS,
  timingFromFlags,
  unprotectedAddressFromFlags,
  warnUnprotected,
} from './classicFlags.js';

/**
 * The default limits. A connection can buffer a token of 1.4 MB, and the pause between two messages limits a client to 100
 * messages per second.
 */
const DEFAULT_FLAGS: Flags = { connections: 256, linesPerSecond: 100 };

/** Runs `rxchat serve --wire classic`: a server until a signal ends it. */
export const serve: Run = ({ flags }) =>
  defer(() => {
    const address = unprotectedAddressFromFlags(flags, 0);
    const level = choiceFlag(flags, 'logLevel', LOG_LEVELS);
    const present = Object.entries(flags).filter(([, value]) => value !== undefined);
    const { limits, handshakeTimeoutMs } = limitsFromFlags({
      ...DEFAULT_FLAGS,
      ...Object.fromEntries(present),
    });
    const timing = timingFromFlags(flags, SERVER_IDLE_MS);
    const stop$ = shutdownSignal(signal$);
    const listening$ = listenTcp(address).pipe(
      catchError((error: unknown) => throwError(() => listenError(address, error))),
      takeUntil(stop$),
    );

    return from(openServerLog(level)).pipe(
      switchMap((log) =>
        listening$.pipe(
          tap(({ address: bound }) => {
            printStartup(bound);
          }),
          switchMap((listener) =>
            listener.connection$.pipe(
              classicServer({ ...limits, handshakeTimeoutMs, ...timing, stop$ }),
              mergeFaults(listener),
            ),
          ),
          tap(log),
          ignoreElements(),
          takeUntil(stop$.pipe(switchMap(() => timer(DELIVERY_GRACE_MS)))),
          endWith(Exit.ok),
        ),
      ),
      takeUntil(
        signal$.pipe(
          skip(1),
          tap((code) => process.exit(code)),
        ),
      ),
    );
  });

const printStartup = (bound: Address): void => {
  writeOut(safe`listening on ${formatAddress(bound)}`);
  warnUnprotected();
  const port = bound.port === DEFAULT_ADDRESS.port ? '' : ` --port ${bound.port}`;
  printNote(`create a key once, and give it to everyone: ${programName()} key --key-file chat.key`);
  printNote(`join from another terminal: ${programName()} join --wire classic${port} --key-file chat.key`);
};

/** Opens a log of the events of a server. Its most detailed level has nicks, addresses and sizes. */
const openServerLog = async (level: string): Promise<(event: ClassicServerEvent | ListenerFault) => void> => {
  const opened = await openRelayLog(level);
  if (opened === undefined) return () => undefined;
  const { logger, infoLimited, warnFault } = opened;

  return (event) => {
    switch (event.type) {
      case 'joined':
        return logger.info({ ...clientFields(event.client), guests: event.count }, 'joined');
      case 'left':
        return logger.info({ ...clientFields(event.client), reason: event.reason }, 'left');
      case 'failed':
        return logger.warn({ ...clientFields(event.client), reason: event.reason }, 'a connection failed');
      case 'rejected':
        return infoLimited({ peer: event.peer, reason: event.reason }, 'rejected');
      case 'skipped':
        return infoLimited(
          { ...clientFields(event.client), bytes: event.bytes },
          'bytes that are no token are dropped',
        );
      case 'sent':
        return logger.trace({ ...clientFields(event.client), bytes: event.bytes }, 'said');
      case 'socket-failed':
      case 'no-descriptors':
      case 'origin-refused':
        return warnFault(event);
    }
  };
};

const clientFields = ({ nick, connection: { peer } }: ConnectedClient) => ({ nick, peer });
