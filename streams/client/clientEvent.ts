import { advanceResume, type Resume } from '../wire/fields.js';
import type { Act } from './envelope/envelope.js';
import type { GroupClientEvent } from './group/groupClientEvent.js';
import type { Alarm, FirstSeen, KeyChanged } from './integrity/alarm.js';
import type { TimeWarning } from './integrity/timestampChecker.js';
import type { RelayMessage, WithHash } from './receive/entries.js';
import type { Undecryptable } from './receive/open.js';
import type { Renamed, RenameRejected } from './reconnect/nickChange.js';
import type { Offline } from './reconnect/reconnect.js';
import type { QueuedMessage, StoredMessage } from './send/outbox.js';
import type { OutgoingMessage } from './send/seal.js';

/** A line of a message: number `index` (from 0) of the entry at `position`. */
export interface Message extends TimeWarning, WithHash {
  readonly type: 'message';
  readonly position: number;
  readonly index: number;
  readonly nick: string;
  /** The sender's public key, base64url. The signature is verified. */
  readonly key: string;
  /** The sender's clock in ms since 1970. */
  readonly time: number;
  readonly text: string;
  /** The kind of the message, unless it is plain text. */
  readonly act?: Act;
  /** Whether this client sent the message. */
  readonly own: boolean;
  /** Present if the sender holds the invite of the group room and is not a member: it cannot read. */
  readonly external?: true;
  /** Present unless this is the last line of the entry. */
  readonly more?: true;
}

/** An entry that repeats a message, with the same number of the same session. It is not shown again. */
export interface Duplicate extends WithHash {
  readonly type: 'duplicate';
  readonly position: number;
}

/**
 * The relay has another log, or lost the end of the log. Positions that were saved before are invalid, except those that
 * `shared` includes.
 *
 * Another log is read from its beginning, a shortened log from its end. A log that continues the former one is read on
 * from there.
 */
export interface LogChanged {
  readonly type: 'log-changed';
  readonly log: string;
  /** The position up to which the log has the same entries as the former one. Missing if it does not continue that one. */
  readonly shared?: number;
  /** How many of the entries that were read are not in the log. Present with `shared`. */
  readonly lost?: number;
}

/** The input completed, and all of it is in the outbox. */
export interface InputComplete {
  readonly type: 'input-complete';
}

/** A message cannot be sent, as it is too long (`LimitError`). The messages after it are sent. */
export interface SendFailed extends OutgoingMessage {
  readonly type: 'send-failed';
  readonly error: Error;
}

/** What a membership reports. */
export type MembershipOutput =
  | Extract<RelayMessage, { type: 'welcome' | 'gap' | 'bye' }>
  | ((Undecryptable | Alarm | Extract<RelayMessage, { type: 'joined' | 'left' }>) & WithHash)
  | FirstSeen
  | KeyChanged
  | Message
  | Duplicate
  | LogChanged
  | QueuedMessage
  | StoredMessage
  | Extract<GroupClientEvent, { readonly position: number }>;

/** Everything that a client emits. */
export type ClientEvent =
  SendFailed | MembershipOutput | Offline | Renamed | RenameRejected | InputComplete | GroupClientEvent;

/**
 * Returns the position to resume from after an event. Save it only when the event is processed.
 *
 * @example
 * import { of, scan } from 'rxjs';
 * import { type ClientEvent, type Resume, resumeAfter } from 'rxchat/streams';
 *
 * const event: ClientEvent = { type: 'joined', position: 7, nicks: ['bob'], count: 1, hash: 'AAAAAAAAAAA' };
 * of(event)
 *   .pipe(scan(resumeAfter, { log: 'log', n: 6 } as Resume | undefined))
 *   .subscribe({ next: (resume) => console.log(resume?.n), error: console.error }); // 7
 */
export const resumeAfter = (resume: Resume | undefined, event: ClientEvent): Resume | undefined => {
  if (event.type === 'welcome') {
    const n = event.from - 1;
    return resume?.log === event.log && resume.n === n ? resume : { log: event.log, n };
  }
  if (resume === undefined || event.type === 'stored') return resume;
  if (event.type === 'gap') return { log: resume.log, n: event.to };
  if (!('position' in event)) return resume;
  return advanceResume(resume, {
    n: event.position,
    hash: 'hash' in event ? event.hash : undefined,
    isAnnouncement: event.type === 'joined' || event.type === 'left',
  });
};
