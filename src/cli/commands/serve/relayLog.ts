import type { HistoryEvent } from '../../../history/index.js';
import type { Logger } from 'pino';
import { type Member, type Rate, type RelayEvent, tokenBucket } from '../../../../streams/relay/index.js';
import { escapeJson } from '../../../text/sanitize.js';
import type { ListenerFault } from '../../../net/listener.js';

/** A log, with rate limits for events that outsiders can cause at will. */
export interface RelayLog {
  readonly logger: Logger;
  readonly infoLimited: (fields: object, message: string) => void;
  /**
   * Warns of a socket fault: a burst per kind, then once a minute.
   * Each warning includes the number of those left out before it.
   */
  readonly warnFault: (fault: ListenerFault) => void;
}

/**
 * Opens a log of JSON lines on stderr, or returns `undefined` if `level` is `silent`.
 * It loads pino only here, because no other command needs it. Control characters are escaped, because an operator may
 * read the log in a terminal.
 */
export const openRelayLog = async (level: string): Promise<RelayLog | undefined> => {
  if (level === 'silent') return undefined;
  const { pino, destination, stdTimeFunctions } = await import('pino').then(({ default: pino }) => ({
    pino,
    destination: pino.destination(2),
    stdTimeFunctions: pino.stdTimeFunctions,
  }));
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => `${escapeJson(line.trimEnd())}\n` },
    },
    destination,
  );

  // A rejected client can return at once, so a flood of clients must not flood the log.
  const infoBucket = tokenBucket(INFO_RATE);
  let unmentioned = 0;
  const infoLimited = (fields: object, message: string) => {
    if (infoBucket.tryTake()) {
      logger.info(unmentioned === 0 ? fields : { ...fields, unmentioned }, message);
      unmentioned = 0;
    } else unmentioned += 1;
  };

  const warnings = new Map(
    (['socket-failed', 'no-descriptors', 'origin-refused'] as const).map((type) => [
      type,
      { bucket: tokenBucket(FAULT_RATES[type]), unmentioned: 0 },
    ]),
  );
  const warnFault = (fault: ListenerFault) => {
    const warning = warnings.get(fault.type);
    if (warning?.bucket.tryTake() === true) {
      const { type, ...fields } = fault;
      const { unmentioned } = warning;
      logger.warn(unmentioned === 0 ? fields : { ...fields, unmentioned }, FAULT_MESSAGES[type]);
      warning.unmentioned = 0;
    } else if (warning !== undefined) warning.unmentioned += 1;
  };
  return { logger, infoLimited, warnFault };
};

/**
 * Opens a log and returns a function that writes relay events to it.
 * Even at its most verbose it logs only nicks, rooms (public keys), addresses and sizes. The relay has no other data.
 */
export const logEvents = async (level: string): Promise<(event: RelayEvent | ListenerFault) => void> =>
  eventLogger(await openRelayLog(level));

/** Returns a function that writes relay events to an open log. */
export const eventLogger = (
  relayLog: RelayLog | undefined,
): ((event: RelayEvent | ListenerFault) => void) => {
  if (relayLog === undefined) return () => undefined;
  const { logger, infoLimited, warnFault } = relayLog;
  // Every batch of lines is an event, so the fields are built only if the log level needs them.
  const isTracing = logger.isLevelEnabled('trace');

  return (event) => {
    switch (event.type) {
      case 'joined':
        return logger.info(
          { ...memberFields(event.member), members: event.count, from: event.welcome.from },
          'joined',
        );
      case 'disconnected':
        return logger.info({ ...memberFields(event.member), reason: event.reason }, 'left');
      case 'refused':
        return infoLimited({ ...memberFields(event.member), code: event.code }, 'refused');
      case 'rejected':
        return infoLimited({ peer: event.peer, reason: event.reason }, 'rejected');
      case 'failed':
        return logger.warn({ ...memberFields(event.member), reason: event.reason }, 'a connection failed');
      case 'room-failed':
        return logger.error({ room: event.room, reason: event.reason }, 'a room failed and restarts');
      case 'announced':
        return logger.debug({ count: event.announcement.count }, event.announcement.type);
      case 'not-stored':
        return logger.error({ room: event.room, reason: event.reason }, 'the store failed');
      case 'left':
        return logger.debug(memberFields(event.member), 'departed');
      case 'stored':
        if (isTracing)
          logger.trace({ ...memberFields(event.member), lines: event.count, bytes: event.bytes }, 'stored');
        return;
      case 'socket-failed':
      case 'no-descriptors':
      case 'origin-refused':
        return warnFault(event);
      case 'pinged':
        return logger.trace(memberFields(event.member), 'pinged');
      case 'idle':
        return logger.trace(memberFields(event.member), 'quiet');
      case 'sampled':
        return;
    }
  };
};

/** Rate of log lines about rejected and refused clients; the next line counts the rest. */
const INFO_RATE = { perSecond: 5, burst: 50 };

/** Rate of the warnings for each kind of fault. */
const FAULT_RATES: Readonly<Record<ListenerFault['type'], Rate>> = {
  'socket-failed': { perSecond: 1 / 60, burst: 10 },
  'no-descriptors': { perSecond: 1 / 60, burst: 1 },
  'origin-refused': { perSecond: 1 / 60, burst: 5 },
};

const FAULT_MESSAGES: Readonly<Record<ListenerFault['type'], string>> = {
  'socket-failed': 'bug: a connection failed and was closed',
  'no-descriptors': 'no file descriptor is left: new connections are dropped; raise the limit (ulimit -n)',
  'origin-refused': 'a page of another origin was rejected; to accept it, use --web-origin ORIGIN',
};

const memberFields = ({ nick, room, connection: { peer } }: Member) => ({ nick, room, peer });

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Formats a duration roughly: in minutes, hours or days. */
const approximateDuration = (ms: number): string =>
  ms >= 2 * DAY_MS
    ? `${Math.round(ms / DAY_MS)} days`
    : ms >= 2 * HOUR_MS
      ? `${Math.round(ms / HOUR_MS)} hours`
      : `${Math.ceil(ms / 60_000)} min`;

/** Returns the log entry of a history event: its level, fields and message. */
export const historyLogEntry = (
  event: HistoryEvent,
): readonly [level: 'info' | 'warn', fields: object, message: string] => {
  const { type, ...fields } = event;
  switch (event.type) {
    case 'removed':
      return event.reason === 'age'
        ? ['info', fields, 'retention removed entries older than --keep']
        : [
            'warn',
            fields,
            'retention removed entries of the largest rooms, because --keep-total was reached',
          ];
    case 'forgotten':
      return ['info', fields, 'rooms that had been empty for a week were forgotten'];
    case 'clock-ahead':
      return [
        'warn',
        fields,
        `the clock is ${approximateDuration(event.aheadMs)} ahead of the expected time: stored entries do not expire by age until the clock ` +
          'has run steadily for the time of --keep; if the clock is right, start once with --trust-clock',
      ];
    case 'clock-believed':
      return ['info', { type }, 'retention trusts the clock again'];
  }
};

/** Returns a function that logs the automatic actions of retention. */
export const historyLogger =
  (relayLog: RelayLog | undefined): ((event: HistoryEvent) => void) =>
  (event) => {
    const [level, fields, message] = historyLogEntry(event);
    relayLog?.logger[level](fields, message);
  };
