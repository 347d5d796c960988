import {
  catchError,
  defer,
  endWith,
  ignoreElements,
  skip,
  switchMap,
  take,
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
import { Exit, printNote, usageError } from '../process/exit.js';
import { parseSystemdSockets } from '../process/systemdSockets.js';
import { choiceFlag, type Flags } from '../args/flags.js';
import { limitsFromFlags } from '../commands/serve/relayOptions.js';
import type { LogEntry } from '../commands/serve/limitLogEntries.js';
import { faultEntry } from '../commands/serve/logEntries.js';
import { openRelayLog, type RelayLog } from '../commands/serve/relayLog.js';
import { signal$ } from '../process/stdio.js';
import { LOG_FORMATS, LOG_LEVELS } from '../args/choices.js';
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
    if (Object.keys(parseSystemdSockets(process.env, process.pid)).length > 0)
      throw usageError('--wire classic takes no sockets of systemd');
    const address = unprotectedAddressFromFlags(flags, 0);
    const level = choiceFlag(flags, 'logLevel', LOG_LEVELS);
    const logFormat = choiceFlag(flags, 'logFormat', LOG_FORMATS);
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

    return openRelayLog(level, logFormat).pipe(
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
          tap(eventLogger(log)),
          ignoreElements(),
          takeUntil(stop$.pipe(switchMap(() => timer(DELIVERY_GRACE_MS)))),
          endWith(Exit.ok),
        ),
      ),
      // The log never completes.
      take(1),
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

/** Returns a function that logs the events of a server: nicks, addresses and sizes. */
const eventLogger =
  (log: RelayLog) =>
  (event: ClassicServerEvent | ListenerFault): void => {
    log.write(logEntry(event));
  };

const logEntry = (event: ClassicServerEvent | ListenerFault): LogEntry => {
  switch (event.type) {
    case 'joined':
      return {
        level: 'info',
        fields: { ...clientFields(event.client), guests: event.count },
        message: 'joined',
      };
    case 'left':
      return {
        level: 'info',
        fields: { ...clientFields(event.client), reason: event.reason },
        message: 'left',
      };
    case 'failed': {
      const fields = { ...clientFields(event.client), reason: event.reason };
      return { level: 'warn', fields, message: 'a connection failed' };
    }
    case 'rejected':
      return { level: 'info', fields: { peer: event.peer, reason: event.reason }, message: 'rejected' };
    case 'skipped': {
      const fields = { ...clientFields(event.client), bytes: event.bytes };
      return { level: 'info', fields, message: 'bytes that are no token are dropped' };
    }
    case 'sent':
      return {
        level: 'trace',
        fields: { ...clientFields(event.client), bytes: event.bytes },
        message: 'said',
      };
    case 'socket-failed':
    case 'no-descriptors':
    case 'origin-refused':
    case 'proxy-header-invalid':
      return faultEntry(event);
  }
};

const clientFields = ({ nick, connection: { peer } }: ConnectedClient) => ({ nick, peer });
