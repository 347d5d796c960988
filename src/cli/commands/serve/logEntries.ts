import type { Member, RelayEvent } from '../../../../streams/relay/index.js';
import type { RecordCacheEvent } from '../../../history/cache/openRecordCache.js';
import type { HistoryEvent } from '../../../history/index.js';
import type { ListenerFault } from '../../../net/listener.js';
import type { LogEntry } from './limitLogEntries.js';

const memberFields = ({ nick, room, connection: { peer } }: Member) => ({ nick, room, peer });

const FAULT_MESSAGES: Readonly<Record<ListenerFault['type'], string>> = {
  'socket-failed': 'bug: a connection failed and was closed',
  'no-descriptors': 'no file descriptor is left: new connections are dropped; raise the limit (ulimit -n)',
  'proxy-header-invalid':
    'a trusted proxy sent no valid header and was disconnected; enable the PROXY protocol in it',
  'origin-refused': 'a page of another origin was rejected; to accept it, use --web-origin ORIGIN',
};

/** Returns the log entry of a fault of a listener. */
export const faultEntry = ({ type, ...fields }: ListenerFault): LogEntry => ({
  level: 'warn',
  fields,
  message: FAULT_MESSAGES[type],
});

/** Returns the log entry of an event of a relay, or `undefined` if it has none. It names nicks, rooms and sizes only. */
export const relayLogEntry = (event: RelayEvent | ListenerFault): LogEntry | undefined => {
  switch (event.type) {
    case 'joined': {
      const fields = { ...memberFields(event.member), members: event.count, from: event.welcome.from };
      return { level: 'info', fields, message: 'joined' };
    }
    case 'disconnected':
      return {
        level: 'info',
        fields: { ...memberFields(event.member), reason: event.reason },
        message: 'left',
      };
    case 'refused':
      return {
        level: 'info',
        fields: { ...memberFields(event.member), code: event.code },
        message: 'refused',
      };
    case 'rejected':
      return { level: 'info', fields: { peer: event.peer, reason: event.reason }, message: 'rejected' };
    case 'failed': {
      const fields = { ...memberFields(event.member), reason: event.reason };
      return { level: 'warn', fields, message: 'a connection failed' };
    }
    case 'room-failed': {
      const fields = { room: event.room, reason: event.reason };
      return { level: 'error', fields, message: 'a room failed and restarts' };
    }
    case 'room-removed': {
      const { room, connections, entries, bytes } = event;
      const fields = { room, connections, entries, bytes };
      return { level: 'info', fields, message: 'the operator deleted a room' };
    }
    case 'room-not-removed': {
      const fields = { room: event.room, reason: event.reason };
      return { level: 'warn', fields, message: 'a room could not be deleted' };
    }
    case 'not-stored':
      return {
        level: 'error',
        fields: { room: event.room, reason: event.reason },
        message: 'the store failed',
      };
    case 'announced':
      return {
        level: 'debug',
        fields: { count: event.announcement.count },
        message: event.announcement.type,
      };
    case 'left':
      return { level: 'debug', fields: memberFields(event.member), message: 'departed' };
    case 'stored': {
      const fields = { ...memberFields(event.member), lines: event.count, bytes: event.bytes };
      return { level: 'trace', fields, message: 'stored' };
    }
    case 'pinged':
      return { level: 'trace', fields: memberFields(event.member), message: 'pinged' };
    case 'idle':
      return { level: 'trace', fields: memberFields(event.member), message: 'quiet' };
    case 'socket-failed':
    case 'no-descriptors':
    case 'origin-refused':
    case 'proxy-header-invalid':
      return faultEntry(event);
    case 'sampled':
      return undefined;
  }
};

/** Returns the log entry of a change of the store that several relays share. */
export const storeLogEntry = (type: 'lost' | 'back'): LogEntry =>
  type === 'lost'
    ? { level: 'warn', fields: {}, message: 'the connection to the store was lost: members wait' }
    : { level: 'warn', fields: {}, message: 'the store is back' };

const CACHE_MESSAGES: Readonly<Record<RecordCacheEvent['type'], string>> = {
  dropped: 'the cache of the store was damaged and is empty now',
  failed: 'the cache of the store cannot be used: old entries are read from the servers, more slowly',
};

/** Returns the log entry of an event of the cache that a relay has of a shared store. */
export const cacheLogEntry = ({ type, ...fields }: RecordCacheEvent): LogEntry => ({
  level: 'warn',
  fields,
  message: CACHE_MESSAGES[type],
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Formats a duration roughly: in minutes, hours or days. */
const approximateDuration = (ms: number): string =>
  ms >= 2 * DAY_MS
    ? `${Math.round(ms / DAY_MS)} days`
    : ms >= 2 * HOUR_MS
      ? `${Math.round(ms / HOUR_MS)} hours`
      : `${Math.ceil(ms / 60_000)} min`;

/** Returns the log entry of a history event. */
export const historyLogEntry = (event: HistoryEvent): LogEntry => {
  const { type, ...fields } = event;
  switch (event.type) {
    case 'copied':
      return {
        level: 'warn',
        fields: {},
        message: 'the store is a copy of another one: its rooms continue under new log ids',
      };
    case 'removed':
      return event.reason === 'age'
        ? { level: 'info', fields, message: 'retention removed entries older than --keep' }
        : {
            level: 'warn',
            fields,
            message: 'retention removed entries of the largest rooms, because --keep-total was reached',
          };
    case 'forgotten':
      return { level: 'info', fields, message: 'rooms that had been empty for a week were forgotten' };
    case 'clock-ahead':
      return {
        level: 'warn',
        fields,
        message:
          `the clock is ${approximateDuration(event.aheadMs)} ahead of the expected time: stored entries do not expire by age until the clock ` +
          'has run steadily for the time of --keep; if the clock is right, start once with --trust-clock',
      };
    case 'clock-believed':
      return { level: 'info', fields: { type }, message: 'retention trusts the clock again' };
  }
};
