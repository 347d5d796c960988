import type { Logger } from 'pino';
import { type Member, type Rate, type RelayEvent, tokenBucket } from '../../streams/relay/index.js';
import { escapedJson } from '../terminal/visible.js';
import type { ListeningFault } from '../transport/fault.js';

/** A log, and a way to mention in it what others can cause as often as they like. */
export interface Log {
  readonly log: Logger;
  readonly mention: (fields: object, message: string) => void;
  /** Warns of what went wrong with a socket, of each kind some times and then once a minute, with the count of the others. */
  readonly warnOf: (fault: ListeningFault) => void;
}

/**
 * JSON lines on stderr, by pino, which is loaded for `serve` alone; `undefined` where they are to be silent. Whoever looks
 * at them in a terminal is safe from what others call themselves.
 */
export const openLog = async (level: string): Promise<Log | undefined> => {
  if (level === 'silent') return undefined;
  const { pino, destination, stdTimeFunctions } = await import('pino').then(({ default: pino }) => ({
    pino,
    destination: pino.destination(2),
    stdTimeFunctions: pino.stdTimeFunctions,
  }));
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => `${escapedJson(line.trimEnd())}\n` },
    },
    destination,
  );

  // Whoever is turned away can come back at once: a flood of them must not become one of lines.
  const mentions = tokenBucket(MENTIONED);
  let unmentioned = 0;
  const mention = (fields: object, message: string) => {
    if (mentions.tryTake()) {
      log.info(unmentioned === 0 ? fields : { ...fields, unmentioned }, message);
      unmentioned = 0;
    } else unmentioned += 1;
  };

  const warnings = new Map(
    (['socket-failed', 'no-descriptors', 'origin-refused'] as const).map((type) => [
      type,
      { bucket: tokenBucket(WARNED[type]), unmentioned: 0 },
    ]),
  );
  const warnOf = (fault: ListeningFault) => {
    const warned = warnings.get(fault.type);
    if (warned?.bucket.tryTake() === true) {
      const { type, ...fields } = fault;
      const { unmentioned } = warned;
      log.warn(unmentioned === 0 ? fields : { ...fields, unmentioned }, FAULTS[type]);
      warned.unmentioned = 0;
    } else if (warned !== undefined) warned.unmentioned += 1;
  };
  return { log, mention, warnOf };
};

/**
 * What happens in a relay, as lines of a log. At its most talkative it names nicks, rooms (public keys), addresses and
 * sizes: the relay has nothing else.
 */
export const logEvents = async (level: string): Promise<(event: RelayEvent | ListeningFault) => void> =>
  logEventsIn(await openLog(level));

/** The same into a log that is open. */
export const logEventsIn = (opened: Log | undefined): ((event: RelayEvent | ListeningFault) => void) => {
  if (opened === undefined) return () => undefined;
  const { log, mention, warnOf } = opened;
  // Each batch of lines is an event: what nobody reads is not made.
  const isTracing = log.isLevelEnabled('trace');

  return (event) => {
    switch (event.type) {
      case 'joined':
        return log.info({ ...who(event.member), members: event.count, from: event.welcome.from }, 'joined');
      case 'left':
        return log.info({ ...who(event.member), reason: event.reason }, 'left');
      case 'refused':
        return mention({ ...who(event.member), code: event.code }, 'refused');
      case 'turned-away':
        return mention({ peer: event.peer, reason: event.reason }, 'turned away');
      case 'failed':
        return log.warn({ ...who(event.member), reason: event.reason }, 'a connection failed');
      case 'room-failed':
        return log.error({ room: event.room, reason: event.reason }, 'a room failed and begins anew');
      case 'announced':
        return log.debug({ count: event.announcement.count }, event.announcement.type);
      case 'not-stored':
        return log.error({ room: event.room, reason: event.reason }, 'the store took nothing');
      case 'departed':
        return log.debug(who(event.member), 'departed');
      case 'stored':
        if (isTracing) log.trace({ ...who(event.member), lines: event.count, bytes: event.bytes }, 'stored');
        return;
      case 'socket-failed':
      case 'no-descriptors':
      case 'origin-refused':
        return warnOf(event);
      case 'pinged':
      case 'quiet':
        return log.trace(who(event.member), event.type);
    }
  };
};

/** How many of those who were turned away or refused are mentioned; the next line counts the others. */
const MENTIONED = { perSecond: 5, burst: 50 };

/** How often each kind of fault is told. */
const WARNED: Readonly<Record<ListeningFault['type'], Rate>> = {
  'socket-failed': { perSecond: 1 / 60, burst: 10 },
  'no-descriptors': { perSecond: 1 / 60, burst: 1 },
  'origin-refused': { perSecond: 1 / 60, burst: 5 },
};

const FAULTS: Readonly<Record<ListeningFault['type'], string>> = {
  'socket-failed': 'a fault of this program with one connection, which was closed',
  'no-descriptors':
    'no file descriptor is left: new connections are dropped until others end; raise the limit (ulimit -n)',
  'origin-refused':
    'a page of another origin was refused; if it is yours, let it in with --web-origin ORIGIN',
};

const who = ({ nick, room, connection: { peer } }: Member) => ({ nick, room, peer });
