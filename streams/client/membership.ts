import { BehaviorSubject, type Observable } from 'rxjs';
import type { Connection } from '../wire/connection.js';
import { type Control, formatControl } from '../wire/control.js';
import type { Announcement } from '../wire/entry.js';
import { isNick } from '../wire/nick.js';
import type { Resume } from '../wire/fields.js';
import { encodeLine } from '../wire/encoding.js';
import type { MembershipOutput, Message } from './clientEvent.js';
import type { MessageContent } from './envelope/messageContent.js';
import type { GroupClientEvent, Unread } from './group/groupClientEvent.js';
import type { UnreadEntry } from './group/openInGroup.js';
import type { Alarm } from './integrity/alarm.js';
import type { Audit } from './integrity/auditor.js';
import type { TimeWarning } from './integrity/timestampChecker.js';
import type { RelayMessage, WithHash } from './receive/entries.js';
import type { OpenedToken, Undecryptable } from './receive/open.js';
import type { Token } from './envelope/cipher.js';
import { readPosition, type ReadingStart } from './readPosition.js';
import { outbox, type QueuedMessage, type WritePhase } from './send/outbox.js';

/** A token that was opened and audited. */
export interface AuditedMessage extends Omit<OpenedToken, 'envelope'>, Audit {
  readonly envelope: MessageContent & { readonly key: string };
  /** Present if the sender is not a member of the group. */
  readonly external?: true;
  /** Present if the time of the message is implausible. */
  readonly timing?: TimeWarning;
}

type WelcomeMessage = Extract<RelayMessage, { type: 'welcome' }>;

/** What arrives over a connection, with opened tokens. */
export type MembershipInput =
  | AuditedMessage
  | Undecryptable
  | Alarm
  | Extract<RelayMessage, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' | 'pong' }>
  | Exclude<Extract<GroupClientEvent, { readonly position: number }>, Unread>
  | UnreadEntry;

export interface MembershipOptions {
  /** Identifies this run of the client to the members, in its envelopes. */
  readonly senderSession: string;
  /** The public key of this client. */
  readonly key: string;
  /** The position to read from. */
  readonly after?: Resume | undefined;
  /** How many of the newest entries to begin with. */
  readonly last?: number | undefined;
  /** The messages of an earlier run that have no receipt. */
  readonly pendingMessages?: readonly QueuedMessage[];
  /** Returns the hash of an entry, or `undefined` if it is unknown (`entryHash`). */
  readonly hashAt?: ((position: number) => string | undefined) | undefined;
  /** Returns the hash of an entry that an earlier run has read, at `after` or before, or `undefined` if it is unknown. */
  readonly earlierHashAt?: ((position: number) => string | undefined) | undefined;
}

/** A client's place in a room, over all connections: how far it has read, and what it has sent. */
export interface Membership {
  /** Where the next connection begins to read. */
  readonly resumePoint: ReadingStart;
  /** Sends over this connection from now on, once it has read the log to its end. */
  attach(connection: Connection): void;
  /** Closes the connection. Pending messages remain. */
  detach(): void;
  /**
   * Returns whether to join again, since the log was restored to a state before what this client has read. The next
   * connection then begins after the last entry that both have.
   */
  readonly joinsAgain: (welcome: WelcomeMessage) => boolean;
  /** Sends `BYE` and closes the connection. */
  readonly leave: () => void;
  /** Handles what arrived. Returns what to report. */
  handle(event: MembershipInput): MembershipOutput[];
  /** Writes a message to the connection, or keeps it until the client has caught up. */
  readonly send: (message: QueuedMessage) => void;
  /** Sends a `PING`, unless one is pending. */
  readonly ping: () => void;
  /** Seals the pending messages again, since the keys of the room changed. Writes the new tokens when it may write. */
  readonly reseal: (toToken: (message: QueuedMessage) => Token) => void;
  /** Writes no tokens until `resume`: they depend on a state that is not stored yet. */
  readonly pause: () => void;
  /** Writes the tokens that waited. */
  readonly resume: () => void;
  /** Writes a token that is no message, and that nobody waits for. The caller checks `writePhase`. */
  readonly writeToken: (token: Token) => void;
  /** Whether tokens may be written (replays the present phase). */
  readonly writePhase$: Observable<WritePhase>;
  readonly writePhase: WritePhase;
  /** Leaves the room, to read the log of another room from its start. Pending messages remain. */
  readonly moveToNewRoom: () => void;
  /** Closes the connection, to read the log from elsewhere. Pending messages remain. */
  readonly readFrom: (start: ReadingStart) => void;
  /** How many envelopes of this run have a receipt, up to the first without. */
  readonly storedCount: number;
}

/** Drops invalid nicks, since a relay can announce any text. Keeps the count if none is left. */
const withValidNicks = ({ nicks, count }: Announcement): Pick<Announcement, 'nicks' | 'count'> => {
  const valid = nicks.filter(isNick);
  return { nicks: valid, count: valid.length > 0 ? valid.length : count };
};

/**
 * Tracks the state of a client in a room.
 *
 * Over each connection, the client first reads to where the log ended when it joined. On the way it recognizes its own
 * tokens. Only then it resends the others, so it never resends a message that is stored.
 */
export const membership = ({
  senderSession,
  key,
  after,
  last,
  pendingMessages = [],
  hashAt = () => undefined,
  earlierHashAt = () => undefined,
}: MembershipOptions): Membership => {
  const pending = outbox(pendingMessages);
  const place = readPosition({ after, last }, (n) => hashAt(n) ?? earlierHashAt(n));
  /** Messages of an earlier run, until they are reported. */
  let unreportedMessages: readonly QueuedMessage[] = pendingMessages;
  let connection: Connection | undefined;
  /** The end of the log when the client joined, until it is reached. */
  let endOfLog: number | undefined;
  let isCaughtUp = false;
  let isPaused = false;
  const writePhases = new BehaviorSubject<WritePhase>('offline');

  const write = (line: string) => connection?.write(encodeLine(line));
  const sendControl = (control: Control) => write(formatControl(control));

  const ping = () => {
    if (pending.tryPing()) sendControl({ type: 'ping', n: place.start.after?.n ?? 0 });
  };

  const withHash = (position: number): WithHash => {
    const hash = hashAt(position);
    return hash === undefined ? {} : { hash };
  };

  const advanceTo = (n: number, isAnnouncement = false) => {
    place.advanceTo(n, { hash: hashAt(n), isAnnouncement });
    catchUp(n);
  };

  /** Sends the pending messages once the log is read to its end. */
  const catchUp = (position: number) => {
    if (endOfLog === undefined || position + 1 < endOfLog) return;
    endOfLog = undefined;
    isCaughtUp = true;
    writeUnsent();
  };

  const canWrite = () => isCaughtUp && !isPaused;

  const updatePhase = () => {
    const phase = connection === undefined ? 'offline' : canWrite() ? 'ready' : 'waiting';
    if (phase !== writePhases.value) writePhases.next(phase);
  };

  const writeUnsent = () => {
    if (canWrite()) for (const token of pending.takeUnsent()) write(token);
    updatePhase();
  };

  const onWelcome = (welcome: WelcomeMessage): MembershipOutput[] => {
    const reports = place.onWelcome(welcome);
    const queued = unreportedMessages;
    unreportedMessages = [];
    endOfLog = welcome.next;
    if (reports.some(({ type }) => type === 'gap')) pending.onGap();
    catchUp(welcome.from - 1);
    return [welcome, ...reports, ...queued];
  };

  const onOpened = ({
    token,
    position,
    envelope,
    isDuplicate,
    findings,
    timing,
    external,
  }: AuditedMessage): MembershipOutput[] => {
    const stored = pending.onEcho(token, position);
    advanceTo(position);
    const hashFields = withHash(position);
    if (isDuplicate) return [...findings, { type: 'duplicate', position, ...hashFields }, ...stored];
    const { nick, key: from, time, lines, act, session } = envelope;
    const own = (from === key && session === senderSession) || stored.length > 0;
    const messages = lines.map((text, index): Message => ({
      type: 'message',
      position,
      index,
      nick,
      key: from,
      time,
      text,
      ...(act && { act }),
      ...timing,
      own,
      ...(external && { external }),
      ...hashFields,
      ...(index < lines.length - 1 && { more: true }),
    }));
    return [...findings, ...messages, ...stored];
  };

  const detach = () => {
    connection?.close();
    connection = undefined;
    isCaughtUp = false;
    endOfLog = undefined;
    pending.onDisconnect();
    updatePhase();
  };

  const leave = () => {
    try {
      sendControl({ type: 'bye', reason: 'leaving', retryMs: 0 });
    } catch {
      // The connection is closed anyway, also if `BYE` cannot be written.
    }
    detach();
  };

  return {
    get resumePoint() {
      return place.start;
    },
    joinsAgain: place.joinsAgain,
    attach: (to) => {
      connection = to;
      updatePhase();
    },
    detach,
    leave,
    handle: (event) => {
      switch (event.type) {
        case 'welcome':
          return onWelcome(event);
        case 'opened':
          return onOpened(event);
        case 'gap':
          pending.onGap();
          advanceTo(event.to);
          if (pending.isUncertain) ping();
          return [event];
        case 'pong': {
          const stored = pending.onPong();
          if (pending.isUncertain) ping();
          return stored;
        }
        case 'bye':
          return [event];
        case 'unread': {
          const stored = pending.onEcho(event.token, event.position);
          advanceTo(event.position);
          return [{ type: 'unread', position: event.position, ...withHash(event.position) }, ...stored];
        }
        case 'joined':
        case 'left':
          advanceTo(event.position, true);
          return [{ ...event, ...withValidNicks(event), ...withHash(event.position) }];
        default:
          advanceTo(event.position);
          return [{ ...event, ...withHash(event.position) }];
      }
    },
    send: (message) => {
      pending.add(message, canWrite());
      if (canWrite()) write(message.token);
    },
    ping,
    reseal: (toToken) => {
      pending.reseal(toToken);
      writeUnsent();
    },
    pause: () => {
      isPaused = true;
      updatePhase();
    },
    resume: () => {
      isPaused = false;
      writeUnsent();
    },
    writeToken: write,
    writePhase$: writePhases.asObservable(),
    get writePhase() {
      return writePhases.value;
    },
    moveToNewRoom: () => {
      leave();
      place.moveTo({ after: { log: '*', n: 0 }, last: undefined });
    },
    readFrom: (start) => {
      detach();
      place.moveTo(start);
    },
    get storedCount() {
      return pending.storedCount;
    },
  };
};
