import { type Acquaintances, acquaintances } from './acquaintances.js';
import type { Alarm, AlarmReason, FirstSight, KeyChanged } from './alarm.js';
import type { Envelope } from './envelope.js';
import type { Opened } from './open.js';
import { type Generations, generations, shares } from './generations.js';
import { type Repeats, repeats } from './repeats.js';
import type { Timing } from './senderTimes.js';
import { type Sequence, sequence } from './sequence.js';
import type { Comparison, Transcript } from './transcript.js';

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
  /** It has said what it has read. */
  hasClaimed: boolean;
  /** It should have, when it said something last. */
  isSilent: boolean;
}

/** What is remembered of one key. */
interface Share {
  readonly sessions: Generations<Session>;
  readonly envelopes: Repeats;
  /** Those that came a second time. */
  readonly again: Repeats;
}

/** How much is remembered at least of each key, of those that were known before and of the others; and of how many keys. */
const KEPT = {
  known: { sessions: 256, envelopes: 1024 },
  others: { sessions: 16, envelopes: 128 },
  keys: { known: 128, others: 512 },
} as const;

/** So many envelopes in a row that came before are no longer those of somebody who has lost a connection. */
const REPEATS_IN_A_ROW = 128;

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
  read: Pick<Transcript, 'compare' | 'breaks' | 'connections' | 'logs' | 'lost' | 'isWhole'>,
  { keep }: { keep?: number } = {},
): ((opened: Opened) => Witnessed) => {
  const people: Acquaintances = acquaintances({ known });
  const knownKeys = new Set([key, ...(known?.values() ?? [])]);
  const shareOf = shares<Share>({
    make: (isKnown) => {
      const { sessions, envelopes } = isKnown ? KEPT.known : KEPT.others;
      return {
        sessions: generations(keep ?? sessions),
        envelopes: repeats({ keep: envelopes }),
        again: repeats({ keep: envelopes }),
      };
    },
    owners: KEPT.keys,
    isKnown: (each) => knownKeys.has(each),
  });
  /** How many came in a row that came before, and over which connection. */
  let inARow = 0;
  let over = read.connections;

  const sessionOf = ({ sessions }: Share, { session: name, counter }: Envelope): Session => {
    const session = sessions.get(name) ?? fresh();
    sessions.set(name, session);
    if (session.logs !== read.logs)
      Object.assign(session, { logs: read.logs, first: counter, isHere: false, differs: false });
    return session;
  };

  /** Whether what the sender has read contradicts what was read here, and this is news. */
  const contradicts = (
    session: Session,
    { stored, seen }: Envelope,
    compared: Comparison | undefined,
  ): boolean => {
    if (seen === undefined || compared === undefined) return false;
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
  const lacks = (
    { sequence: numbers }: Session,
    { counter, stored }: Envelope,
    compared: Comparison | undefined,
  ): boolean =>
    compared !== undefined &&
    read.isWhole &&
    compared !== 'other-log' &&
    numbers.isMissing(stored + 1, counter - 1);

  /** Whether the sender must have read something and does not say so, and this is news. */
  const conceals = (session: Session, { stored, seen }: Envelope): boolean => {
    const wasSilent = session.isSilent;
    session.isSilent = seen === undefined && (stored > 0 || session.hasClaimed);
    session.hasClaimed ||= seen !== undefined;
    return session.isSilent && !wasSilent;
  };

  /** Whether what came again is more than somebody sends again who cannot know what was stored, and this is news. */
  const isTooOften = (share: Share, name: string, signature: string): boolean => {
    inARow += 1;
    const cameTwice = share.again.recall(`${read.connections} ${name}`, signature);
    return cameTwice === 'same' || inARow === REPEATS_IN_A_ROW;
  };

  return (opened) => {
    const { envelope, position } = opened;
    const { nick, counter, stored, signature, seen } = envelope;
    const share = shareOf(envelope.key);
    const session = sessionOf(share, envelope);
    const place = session.sequence.take(counter, session.breaks !== read.breaks);
    const name = `${envelope.session} ${counter}`;
    const recalled = share.envelopes.recall(name, signature);
    const repeated = recalled === 'same' || (place.had && recalled === 'new');
    if (!repeated || over !== read.connections) inARow = 0;
    over = read.connections;
    const tooOften = repeated && isTooOften(share, name, signature);
    const reason: AlarmReason | undefined =
      recalled === 'other' ? 'counter-reused' : (place.reason ?? (tooOften ? 'replayed' : undefined));
    session.breaks = read.breaks;
    session.sequence.confirm(stored);

    const reasons: AlarmReason[] = reason === undefined ? [] : [reason];
    if (!repeated) {
      const compared = seen && read.compare(seen, position);
      if (reason === undefined && lacks(session, envelope, compared)) reasons.push('hole');
      if (contradicts(session, envelope, compared)) reasons.push('forked');
      if (conceals(session, envelope)) reasons.push('seen-missing');
    }
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
  hasClaimed: false,
  isSilent: false,
});
