import { type Acquaintances, acquaintances } from './acquaintances.js';
import type { Alarm, AlarmReason, FirstSight, KeyChanged } from './alarm.js';
import type { Envelope } from './envelope.js';
import type { Opened } from './open.js';
import { repeats } from './repeats.js';
import type { Timing } from './senderTimes.js';
import { type Sequence, sequence } from './sequence.js';
import type { Transcript } from './transcript.js';

/** A token that opened, and what is to be said of it. */
export interface Witnessed extends Opened {
  /** Its envelope came before: it is not shown again. */
  readonly repeated: boolean;
  readonly noticed: readonly (Alarm | FirstSight | KeyChanged)[];
  /** Of a message whose time is out of place. */
  readonly timing?: Timing;
}

export interface WitnessOptions {
  /** This client's own key: one need not be told of oneself. */
  readonly key: string;
  /** The keys of nicks that are known from earlier runs. */
  readonly known?: ReadonlyMap<string, string> | undefined;
}

/** What is known of one session of one key. */
interface Session {
  readonly sequence: Sequence;
  /** How many breaks there were when it last said something. */
  breaks: number;
  /** Which log what follows is about. */
  logs: number;
  /** The first of its numbers that stands in this log. */
  first: number;
  /** It has read this very log, by its own word. */
  isHere: boolean;
  /** The last comparison told two different things. */
  differs: boolean;
}

/** How many sessions are remembered: those that said something last. */
const KEPT = 1024;

/**
 * Holds what each signed envelope says against all that came before: its number, what its sender has read, who it is.
 * Nothing that can happen between an honest relay and honest members is an alarm, be it resent, lost, or missed.
 *
 * ```text
 * opened      bob 1             bob 2   bob 4          bob 2
 * noticed     first-sight bob   -       hole           replayed
 * repeated    no                no      no             yes
 * ```
 */
export const witness = (
  { key, known }: WitnessOptions,
  read: Pick<Transcript, 'compare' | 'breaks' | 'logs' | 'lost' | 'isWhole'>,
  { keep = KEPT }: { keep?: number } = {},
): ((opened: Opened) => Witnessed) => {
  const people: Acquaintances = acquaintances({ known });
  const { recall } = repeats();
  const sessions = new Map<string, Session>();

  const sessionOf = (name: string, counter: number): Session => {
    const session = sessions.get(name) ?? fresh();
    sessions.delete(name);
    sessions.set(name, session);
    for (const oldest of sessions.keys()) {
      if (sessions.size <= keep) break;
      sessions.delete(oldest);
    }
    if (session.logs !== read.logs)
      Object.assign(session, { logs: read.logs, first: counter, isHere: false, differs: false });
    return session;
  };

  /** Whether what the sender has read contradicts what was read here, and this is news. */
  const contradicts = (session: Session, { stored, seen }: Envelope, position: number): boolean => {
    if (seen === undefined) return false;
    const compared = read.compare(seen, position);
    // Said before the sender came to this log, or before the log lost its end, and sent again since: the sender had no
    // receipt then for what stands here now.
    const maybeBefore = !session.isHere && stored < session.first;
    const touchesLost = read.lost !== undefined && seen.to >= read.lost;
    const agrees = compared === 'same' || compared === 'unknown';
    const excused = maybeBefore && (compared === 'other-log' || touchesLost);
    if (agrees && (read.lost === undefined || (compared === 'same' && touchesLost))) session.isHere = true;
    const differs = !agrees && !excused;
    const isNews = differs && !session.differs;
    session.differs = differs;
    return isNews;
  };

  /** Whether something is missing that the sender must have sent to this log before, for it had no receipt when it was here. */
  const lacks = ({ sequence: numbers }: Session, { counter, stored, seen }: Envelope, position: number) =>
    seen !== undefined &&
    read.isWhole &&
    read.compare(seen, position) !== 'other-log' &&
    numbers.isMissing(stored + 1, counter - 1);

  return (opened) => {
    const { envelope, position } = opened;
    const { nick, counter, stored, signature } = envelope;
    const name = `${envelope.key} ${envelope.session}`;
    const session = sessionOf(name, counter);
    const place = session.sequence.take(counter, session.breaks !== read.breaks);
    const recalled = recall(`${name} ${counter}`, signature);
    const repeated = recalled === 'same' || (place.had && recalled === 'new');
    const reason: AlarmReason | undefined = recalled === 'other' ? 'counter-reused' : place.reason;
    session.breaks = read.breaks;
    session.sequence.confirm(stored);

    const reasons: AlarmReason[] = reason === undefined ? [] : [reason];
    if (reason === undefined && !repeated && lacks(session, envelope, position)) reasons.push('hole');
    if (!repeated && contradicts(session, envelope, position)) reasons.push('forked');
    const alarms = reasons.map((each): Alarm => {
      return { type: 'alarm', position, reason: each, nick, key: envelope.key };
    });
    // One's own nick is remembered, whichever it is by now; one need not be told of it.
    const met = repeated ? [] : people.meet(envelope, position);
    return { ...opened, repeated, noticed: envelope.key === key ? alarms : [...alarms, ...met] };
  };
};

const fresh = (): Session => ({
  sequence: sequence(),
  breaks: -1,
  logs: -1,
  first: 1,
  isHere: false,
  differs: false,
});
