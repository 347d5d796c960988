import type { Logger } from 'pino';
import { from, Observable, Subject, switchMap } from 'rxjs';
import type { RelayEvent } from '../../../../streams/relay/index.js';
import type { HistoryEvent } from '../../../history/index.js';
import type { ListenerFault } from '../../../net/listener.js';
import { escapeJson } from '../../../text/sanitize.js';
import type { LogFormat, LogLevel } from '../../args/choices.js';
import { limitLogEntries, type LogEntry } from './limitLogEntries.js';
import { historyLogEntry, relayLogEntry } from './logEntries.js';

/** A log whose entries are limited by `limitLogEntries`. */
export interface RelayLog {
  readonly level: LogLevel;
  readonly setLevel: (level: LogLevel) => void;
  readonly isTracing: boolean;
  readonly write: (entry: LogEntry) => void;
}

/**
 * Opens a log on stderr while subscribed: emits it once. Never completes.
 *
 * It loads pino only here, because no other command needs it. Control characters are escaped, because an operator may
 * read the log in a terminal. Unsubscribing writes the entries that are due.
 */
export const openRelayLog = (level: LogLevel, format: LogFormat): Observable<RelayLog> =>
  from(import('pino')).pipe(
    switchMap(({ default: pino }) => {
      const formatLine = format === 'json' ? (line: string) => line.trimEnd() : formatPretty;
      return openLimitedLog(
        pino(
          {
            level,
            base: null,
            timestamp: pino.stdTimeFunctions.isoTime,
            hooks: { streamWrite: (line) => `${escapeJson(formatLine(line))}\n` },
          },
          pino.destination(2),
        ),
      );
    }),
  );

/** Emits a log that passes its limited entries to `logger`. */
const openLimitedLog = (logger: Logger): Observable<RelayLog> =>
  new Observable((subscriber) => {
    const entries = new Subject<LogEntry>();
    const written = entries.pipe(limitLogEntries()).subscribe({
      next: ({ level, fields, message }) => {
        logger[level](fields, message);
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
    });
    subscriber.next({
      get level() {
        return logger.level as LogLevel;
      },
      setLevel: (level) => {
        logger.level = level;
      },
      get isTracing() {
        return logger.isLevelEnabled('trace');
      },
      write: (entry) => {
        if (logger.isLevelEnabled(entry.level)) entries.next(entry);
      },
    });
    return () => {
      // Writes the entries that are due.
      entries.complete();
      written.unsubscribe();
    };
  });

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
};

/** Formats a JSON line of pino for people: time, level, message, and the fields as `name=value`. */
export const formatPretty = (line: string): string => {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const values = Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  return `${String(time)} ${(LEVEL_NAMES[Number(level)] ?? '').padEnd(5)} ${String(msg)}${values.join('')}`;
};

const formatValue = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value) ? value : JSON.stringify(value);

/** Returns a function that writes the events of a relay to a log. */
export const eventLogger =
  (log: RelayLog): ((event: RelayEvent | ListenerFault) => void) =>
  (event) => {
    // Every batch of lines is an event, so its entry is made only if it is written.
    if (event.type === 'stored' && !log.isTracing) return;
    const entry = relayLogEntry(event);
    if (entry !== undefined) log.write(entry);
  };

/** Returns a function that logs the automatic actions of retention. */
export const historyLogger =
  (log: RelayLog): ((event: HistoryEvent) => void) =>
  (event) => {
    log.write(historyLogEntry(event));
  };
