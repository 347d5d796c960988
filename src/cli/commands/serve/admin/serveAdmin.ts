import {
  catchError,
  defer,
  ignoreElements,
  isObservable,
  map,
  merge,
  type Observable,
  of,
  Subject,
  tap,
} from 'rxjs';
import type {
  Bans,
  InspectConnection,
  LoadSampled,
  RelayEvent,
  RoomNotRemoved,
  RoomRemoved,
} from '../../../../../streams/relay/index.js';
import { appendAuditLine, formatAuditLine } from '../../../../admin/auditLog.js';
import { listenAdmin } from '../../../../admin/listenAdmin.js';
import {
  type AdminReply,
  type AdminRequest,
  type AdminResult,
  failure,
  MAX_DRAIN_MS,
} from '../../../../admin/protocol.js';
import { sampledStatus, type RelayState, type Status, type StoreKind } from '../../../../admin/status.js';
import { makeDirectory } from '../../../../files/writeFile.js';
import type { ListenerFault } from '../../../../net/listener.js';
import { describeSystemError } from '../../../../util/errors.js';
import { LOG_LEVELS, type LogLevel } from '../../../args/choices.js';
import { CliError, Exit, printNote } from '../../../process/exit.js';
import { openBans, type StoredBans } from './banActions.js';
import { connectionActions } from './connectionActions.js';
import { deleteRoomAction } from './deleteRoomAction.js';

export interface ServeAdminOptions {
  /** The directory of the socket, the bans and the audit log. */
  readonly dir: string;
  readonly version: string;
  readonly store: StoreKind;
  /** The log of the relay, whose level can be changed. */
  readonly log: { readonly level: LogLevel; readonly setLevel: (level: LogLevel) => void };
  /** When it emits, the relay is stopping. */
  readonly stop$: Observable<unknown>;
  /** Stops the relay after a time in ms. */
  readonly drain: (afterMs: number) => void;
  /** Reads the config and the files that it names: emits what applies them. */
  readonly reload$: Observable<() => void>;
}

/** How a relay is administered while it runs. */
export interface ServedAdmin {
  /** Emits when the relay has to emit a sample. */
  readonly sample$: Observable<unknown>;
  readonly inspect$: Observable<InspectConnection>;
  /** Emits when the relay has to remove a room. */
  readonly removeRoom$: Observable<string>;
  readonly bans: Bans;
  readonly record: (event: RelayEvent | ListenerFault) => void;
  /** The relay listens on these addresses from now on. */
  readonly setListening: (addresses: readonly string[]) => void;
}

/** Returns the result of an action. Throws an `Error` whose message says why the action is not possible. */
type PerformAction = (request: AdminRequest) => AdminResult | Observable<AdminResult>;

/**
 * Answers `rxchat admin` through a socket in the directory of a relay while subscribed: emits once it listens. Errors if it
 * cannot listen, or if the stored bans are invalid.
 *
 * Each action but `status` is a line of the audit log.
 */
export const serveAdmin = (options: ServeAdminOptions): Observable<ServedAdmin> =>
  defer(() => {
    const { dir, version, store, log, stop$, drain, reload$ } = options;
    const samples = new Subject<unknown>();
    const inspections = new Subject<InspectConnection>();
    const [roomsToRemove, removals] = [new Subject<string>(), new Subject<RoomRemoved | RoomNotRemoved>()];
    const startedAt = new Date(performance.timeOrigin).toISOString();
    let load: LoadSampled | undefined;
    let addresses: readonly string[] = [];
    let state: RelayState = 'starting';
    const bans = openStoredBans(dir);

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
        bans: bans.list().length,
        logLevel: log.level,
      };
    };
    const actions: Readonly<Record<AdminRequest['action'], PerformAction>> = {
      ...connectionActions(bans, (inspect) => {
        inspections.next(inspect);
      }),
      'delete-room': deleteRoomAction({
        store,
        isServing: () => state === 'serving' || state === 'draining',
        removeRoom: (room) => {
          roomsToRemove.next(room);
        },
        removal$: removals,
      }),
      status: () => ({ ...status() }),
      drain: ({ forMs = 0 }) => {
        if (forMs > MAX_DRAIN_MS) throw new Error('drain takes at most a day');
        if (state !== 'stopping') state = 'draining';
        drain(forMs);
        return { stopsAt: new Date(Date.now() + forMs).toISOString() };
      },
      reload: () =>
        reload$.pipe(
          map((apply) => {
            bans.reload();
            apply();
            return { logLevel: log.level, bans: bans.list().length };
          }),
        ),
      'log-level': ({ target }) => {
        const level = LOG_LEVELS.find((each) => each === target);
        if (level !== undefined) log.setLevel(level);
        else if (target !== undefined) throw new Error(`the log level is one of ${LOG_LEVELS.join(', ')}`);
        return { logLevel: log.level };
      },
    };

    const perform = (request: AdminRequest): Observable<AdminReply> =>
      defer(() => {
        const result = actions[request.action](request);
        return isObservable(result) ? result : of(result);
      }).pipe(
        map((result): AdminReply => ({ ok: true, result })),
        catchError((error: unknown) => of(failure(error instanceof Error ? error.message : String(error)))),
      );
    const audit = (request: AdminRequest, reply: AdminReply): void => {
      if (request.action === 'status') return;
      const problem = appendAuditLine(dir, formatAuditLine(request, reply, Date.now()));
      if (problem !== undefined) printNote(`cannot write the audit log in ${dir}: ${problem}`);
    };
    const answer = (request: AdminRequest): Observable<AdminReply> =>
      perform(request).pipe(
        tap((reply) => {
          audit(request, reply);
        }),
      );

    const served$ = listenAdmin(dir, answer).pipe(
      map((): ServedAdmin => ({
        sample$: samples.asObservable(),
        inspect$: inspections.asObservable(),
        removeRoom$: roomsToRemove.asObservable(),
        bans,
        record: (event) => {
          if (event.type === 'sampled') load = event;
          if (event.type === 'room-removed' || event.type === 'room-not-removed') removals.next(event);
        },
        setListening: (all) => {
          addresses = all;
          if (state === 'starting') state = 'serving';
        },
      })),
    );
    const stopped$ = stop$.pipe(
      tap(() => (state = 'stopping')),
      ignoreElements(),
    );
    return merge(served$, stopped$);
  });

/** Creates the directory of a relay if it is missing, and loads its bans. Throws `CliError`. */
const openStoredBans = (dir: string): StoredBans => {
  try {
    makeDirectory(dir);
  } catch (error) {
    throw new CliError(Exit.usage, `cannot create the directory ${dir}: ${describeSystemError(error)}`);
  }
  try {
    return openBans(dir, Date.now);
  } catch (error) {
    throw error instanceof Error ? new CliError(Exit.usage, error.message) : error;
  }
};
