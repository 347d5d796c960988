import { type LruMap, lruMap } from '../../rx/lruMap.js';
import type { MessageContent } from '../envelope/messageContent.js';
import type { Alarm, AlarmReason, FirstSeen, KeyChanged } from './alarm.js';
import {
  type DuplicateFilter,
  duplicateFilter,
  type Sequence,
  sequence,
  trustOnFirstUse,
} from './senderState.js';
import type { Comparison, Transcript } from './transcript.js';

/** What an auditor found about an envelope. */
export interface Audit {
  /** Whether the envelope was read before. It is not shown again. */
  readonly isDuplicate: boolean;
  readonly findings: readonly (Alarm | FirstSeen | KeyChanged)[];
}

export interface AuditorOptions {
  /** The key of this client, for which no key findings are reported. */
  readonly key: string;
  /** The keys of the nicks that earlier runs have seen. */
  readonly knownKeys?: ReadonlyMap<string, string> | undefined;
}

/** A message with a valid signature. */
export interface AuditedContent {
  readonly position: number;
  readonly envelope: MessageContent & { readonly key: string };
  /** Equal for copies of the same message, and for no other message. */
  readonly contentId: string;
}

/** The state of a session of a sender. */
interface SenderSession {
  readonly sequence: Sequence;
  /** The gap count of the transcript at the last message. */
  gapCount: number;
  /** The log that the next four fields are about. */
  logEpoch: number;
  /**
   * The first number of the session that this log has and no earlier log had: at index `age` - 1 among the entries that
   * were not written to an ancestor of that age, or an older one, first.
   */
  firstInLog: number[];
  /** The highest number of the session in this log. */
  highestInLog: number;
  /** The age of the newest log to whose entries the sender attested; `Infinity` before the first one. */
  newestRead: number;
  /** The last range that the sender attested to was different. */
  lastDiffered: boolean;
  /** The sender attested to a range before. */
  hasSentRange: boolean;
  /** The last message should have attested to a range and did not. */
  omitsRange: boolean;
}

/** The state of a key. */
interface Sender {
  readonly sessions: LruMap<string, SenderSession>;
  readonly envelopes: DuplicateFilter;
  /** The envelopes that were read a second time. */
  readonly resent: DuplicateFilter;
}

/** How many senders are remembered, and how much of each. Unknown keys cannot evict known ones. */
const LIMITS = {
  known: { sessions: 256, envelopes: 1024 },
  others: { sessions: 16, envelopes: 128 },
  keys: { known: 128, others: 512 },
} as const;

/** How many duplicates in a row a lost connection can explain. */
const MAX_DUPLICATES_IN_A_ROW = 128;

/**
 * Checks each signed envelope against all earlier ones: its number, the entries its sender has read, and its key.
 *
 * Reports only what an honest relay and honest members cannot cause. Resent, lost and missed messages raise no alarm.
 *
 * ```text
 * envelope      bob 1            bob 2   bob 4   bob 2
 * findings      first-seen bob   -       hole    replayed
 * isDuplicate   no               no      no      yes
 * ```
 */
export const auditor = (
  { key, knownKeys }: AuditorOptions,
  log: Pick<
    Transcript,
    'compare' | 'ageOf' | 'ageAt' | 'gapCount' | 'connectionCount' | 'logEpoch' | 'lostFrom' | 'isComplete'
  >,
  { maxSessions }: { maxSessions?: number } = {},
): ((message: AuditedContent) => Audit) => {
  const keysByNick = trustOnFirstUse({ knownKeys });
  const trustedKeys = new Set([key, ...(knownKeys?.values() ?? [])]);
  const knownSenders = lruMap<string, Sender>(LIMITS.keys.known);
  const otherSenders = lruMap<string, Sender>(LIMITS.keys.others);
  let duplicatesInARow = 0;
  let lastConnection = log.connectionCount;

  const senderOf = (senderKey: string): Sender => {
    const isKnown = trustedKeys.has(senderKey);
    const senders = isKnown ? knownSenders : otherSenders;
    const { sessions, envelopes } = isKnown ? LIMITS.known : LIMITS.others;
    const sender = senders.get(senderKey) ?? {
      sessions: lruMap(maxSessions ?? sessions),
      envelopes: duplicateFilter({ maxEntries: envelopes }),
      resent: duplicateFilter({ maxEntries: envelopes }),
    };
    senders.set(senderKey, sender);
    return sender;
  };

  const sessionOf = ({ sessions }: Sender, { session: name }: MessageContent): SenderSession => {
    const session = sessions.get(name) ?? newSession();
    sessions.set(name, session);
    if (session.logEpoch !== log.logEpoch) {
      session.logEpoch = log.logEpoch;
      session.firstInLog = [];
      session.highestInLog = 0;
      session.newestRead = Infinity;
      session.lastDiffered = false;
    }
    return session;
  };

  /** Returns whether the range of the sender contradicts this log for the first time. */
  const contradicts = (
    session: SenderSession,
    { counter, stored, seen }: MessageContent,
    compared: Comparison | undefined,
    writtenTo: number,
  ): boolean => {
    const oldest = log.ageAt(0);
    for (let age = writtenTo; age <= oldest; age += 1) session.firstInLog[age] ??= counter;
    if (seen === undefined || compared === undefined) return false;
    const readAge = log.ageOf(seen.log);
    // Another log may have been between the one of this entry and its ancestor.
    const replacedAge = Math.max(readAge ?? 0, writtenTo + 1);
    // The message may be older than this log, or than the loss of its end: the sender had no receipt in this log then.
    const maybeOlder =
      session.newestRead >= replacedAge && stored < (session.firstInLog[replacedAge - 1] ?? Infinity);
    const touchesLost = log.lostFrom !== undefined && seen.to >= log.lostFrom;
    const agrees = compared === 'same' || compared === 'unknown';
    const isExcused = maybeOlder && (compared === 'other-log' || touchesLost);
    if (agrees && (log.lostFrom === undefined || (compared === 'same' && touchesLost)))
      session.newestRead = Math.min(session.newestRead, readAge ?? Infinity);
    const differs = !agrees && !isExcused;
    const isNew = differs && !session.lastDiffered;
    session.lastDiffered = differs;
    return isNew;
  };

  /** Returns whether an earlier message that the sender must have sent to this log is missing. */
  const lacksEarlier = (
    { sequence: numbers }: SenderSession,
    { counter, stored, seen }: MessageContent,
    compared: Comparison | undefined,
    writtenTo: number,
  ): boolean =>
    seen !== undefined &&
    log.isComplete &&
    compared !== 'other-log' &&
    // What the sender sent to an ancestor later may be lost.
    log.ageOf(seen.log) === writtenTo &&
    numbers.reportMissing(stored + 1, counter - 1);

  /** Returns whether the sender has read entries and does not attest to them, for the first time. */
  const conceals = (session: SenderSession, { stored, seen }: MessageContent): boolean => {
    const omitted = session.omitsRange;
    session.omitsRange = seen === undefined && (stored > 0 || session.hasSentRange);
    session.hasSentRange ||= seen !== undefined;
    return session.omitsRange && !omitted;
  };

  /** Returns whether there are more duplicates than a sender causes that resends after a lost connection. */
  const isTooOften = ({ resent }: Sender, name: string, contentId: string): boolean => {
    duplicatesInARow += 1;
    const result = resent.check(`${log.connectionCount} ${name}`, contentId);
    return result === 'same' || duplicatesInARow === MAX_DUPLICATES_IN_A_ROW;
  };

  return ({ envelope, position, contentId }) => {
    const { nick, counter, stored, seen } = envelope;
    const sender = senderOf(envelope.key);
    const session = sessionOf(sender, envelope);
    const order = session.sequence.record(counter, session.gapCount !== log.gapCount);
    // A log that replaces another may have the same messages again, once and in their order.
    const isReread = counter > session.highestInLog;
    session.highestInLog = Math.max(session.highestInLog, counter);
    const orderReason = isReread && order.reason === 'replayed' ? undefined : order.reason;
    const name = `${envelope.session} ${counter}`;
    const recorded = sender.envelopes.check(name, contentId);
    const isDuplicate = recorded === 'same' || (order.isDuplicate && recorded === 'new');
    if (!isDuplicate || lastConnection !== log.connectionCount) duplicatesInARow = 0;
    lastConnection = log.connectionCount;
    const tooOften = isDuplicate && !isReread && isTooOften(sender, name, contentId);
    const reason: AlarmReason | undefined =
      recorded === 'other' ? 'counter-reused' : (orderReason ?? (tooOften ? 'replayed' : undefined));
    session.gapCount = log.gapCount;
    session.sequence.confirm(stored);

    const reasons: AlarmReason[] = reason === undefined ? [] : [reason];
    if (!isDuplicate) {
      const compared = seen && log.compare(seen, position);
      const writtenTo = log.ageAt(position);
      if (reason === undefined && lacksEarlier(session, envelope, compared, writtenTo)) reasons.push('hole');
      if (contradicts(session, envelope, compared, writtenTo)) reasons.push('forked');
      if (conceals(session, envelope)) reasons.push('seen-missing');
    }
    const alarms = reasons.map((each): Alarm => ({
      type: 'alarm',
      position,
      reason: each,
      nick,
      key: envelope.key,
    }));
    // The nicks of this client are recorded too, and not reported.
    const keyFindings = isDuplicate ? [] : keysByNick.observe(envelope, position);
    return { isDuplicate, findings: envelope.key === key ? alarms : [...alarms, ...keyFindings] };
  };
};

const newSession = (): SenderSession => ({
  sequence: sequence(),
  gapCount: -1,
  logEpoch: -1,
  firstInLog: [],
  highestInLog: 0,
  newestRead: Infinity,
  lastDiffered: false,
  hasSentRange: false,
  omitsRange: false,
});
