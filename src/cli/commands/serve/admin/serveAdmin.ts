import { defer, map, merge, type Observable, of, Subject, tap, ignoreElements } from 'rxjs';
import type {
  ConnectionInfo,
  InspectConnection,
  LoadSampled,
  RelayEvent,
} from '../../../../../streams/relay/index.js';
import { appendAuditLine, formatAuditLine } from '../../../../admin/auditLog.js';
import { listenAdmin } from '../../../../admin/listenAdmin.js';
import { type AdminReply, type AdminRequest, type AdminResult, failure } from '../../../../admin/protocol.js';
import { connectionRows, roomRows } from '../../../../admin/rows.js';
import { type RelayState, sampledStatus, type Status, type StoreKind } from '../../../../admin/status.js';
import { makeDirectory } from '../../../../files/writeFile.js';
import type { ListenerFault } from '../../../../net/listener.js';
import { describeSystemError } from '../../../../util/errors.js';
import { LOG_LEVELS, type LogLevel } from '../../../args/choices.js';
import { CliError, Exit, printNote } from '../../../process/exit.js';

export interface ServeAdminOptions {
  /** The directory of the socket and the audit log. */
  readonly dir: string;
  readonly version: string;
  readonly store: StoreKind;
  /** The log of the relay, whose level can be changed. */
  readonly log: { readonly level: LogLevel; readonly setLevel: (level: LogLevel) => void };
  /** When it emits, the relay is stopping. */
  readonly stop$: Observable<unknown>;
}

/** How a relay is administered while it runs. */
export interface ServedAdmin {
  /** Emits when the relay has to emit a sample. */
  readonly sample$: Observable<unknown>;
  readonly inspect$: Observable<InspectConnection>;
  readonly record: (event: RelayEvent | ListenerFault) => void;
  /** The relay listens on these addresses from now on. */
  readonly setListening: (addresses: readonly string[]) => void;
}

/** The result of an action. Throws an `Error` whose message says why the action is not possible. */
type PerformAction = (request: AdminRequest) => AdminResult;

/**
 * Answers `rxchat admin` through a socket in the directory of a relay while subscribed: emits once it listens. Errors if it
 * cannot listen.
 *
 * Each action but `status` is a line of the audit log.
 */
export const serveAdmin = ({ dir, version, store, log, stop$ }: ServeAdminOptions): Observable<ServedAdmin> =>
  defer(() => {
    const samples = new Subject<unknown>();
    const inspections = new Subject<InspectConnection>();
    const startedAt = new Date(performance.timeOrigin).toISOString();
    let load: LoadSampled | undefined;
    let addresses: readonly string[] = [];
    let state: RelayState = 'starting';

    const connections = (): readonly ConnectionInfo[] => {
      const found: ConnectionInfo[] = [];
      inspections.next((connection) => {
        found.push(connection);
        return undefined;
      });
      return found;
    };
    const status = (): Status => {
      samples.next(undefined);
      return {
        version,
        pid: process.pid,
        startedAt,
        state,
        addresses,
        ...sampledStatus(load),
        residentBytes: process.memoryUsage.rss(),
        store,
        logLevel: log.level,
      };
    };
    const setLogLevel = (name: string): void => {
      const level = LOG_LEVELS.find((each) => each === name);
      if (level === undefined) throw new Error(`the log level is one of ${LOG_LEVELS.join(', ')}`);
      log.setLevel(level);
    };
    const actions: Readonly<Record<AdminRequest['action'], PerformAction>> = {
      status: () => ({ ...status() }),
      connections: () => ({ ...connectionRows(connections()) }),
      rooms: () => ({ ...roomRows(connections()) }),
      'log-level': ({ target }) => {
        if (target !== undefined) setLogLevel(target);
        return { logLevel: log.level };
      },
    };

    const perform = (request: AdminRequest): AdminReply => {
      try {
        return { ok: true, result: actions[request.action](request) };
      } catch (error) {
        return failure(error instanceof Error ? error.message : String(error));
      }
    };
    const audit = (request: AdminRequest, reply: AdminReply): void => {
      if (request.action === 'status') return;
      const problem = appendAuditLine(dir, formatAuditLine(request, reply, Date.now()));
      if (problem !== undefined) printNote(`cannot write the audit log in ${dir}: ${problem}`);
    };
    const answer = (request: AdminRequest): Observable<AdminReply> =>
      defer(() => of(perform(request))).pipe(
        tap((reply) => {
          audit(request, reply);
        }),
      );

    const served$ = defer(() => {
      createDirectory(dir);
      return listenAdmin(dir, answer);
    }).pipe(
      map((): ServedAdmin => ({
        sample$: samples.asObservable(),
        inspect$: inspections.asObservable(),
        record: (event) => {
          if (event.type === 'sampled') load = event;
        },
        setListening: (all) => {
          addresses = all;
          state = 'serving';
        },
      })),
    );
    return merge(served$, stop$.pipe(tap(() => (state = 'stopping'))).pipe(ignoreElements()));
  });

const createDirectory = (dir: string): void => {
  try {
    makeDirectory(dir);
  } catch (error) {
    throw new CliError(Exit.usage, `cannot create the directory ${dir}: ${describeSystemError(error)}`);
  }
};
