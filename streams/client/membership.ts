import type { Connection } from '../wire/connection.js';
import { type Control, controlLine } from '../wire/control.js';
import type { Announcement } from '../wire/entry.js';
import { isNick } from '../wire/nick.js';
import { type Resume, resumeAt } from '../wire/resume.js';
import { encodeLine } from '../wire/utf8.js';
import type { Received } from './entries.js';
import type { Alarm, FirstSight, KeyChanged } from './alarm.js';
import type { Act } from './envelope.js';
import type { Undecryptable } from './open.js';
import { outbox, type Said, type Stored } from './outbox.js';
import type { Sealed } from './seal.js';
import type { Timing } from './senderTimes.js';
import type { Witnessed } from './witness.js';

/** What is known of an entry besides what it says. */
export interface Hashed {
  /** The entry at `position`, as a `Resume` names it: the start of the hash of its line. */
  readonly hash?: string | undefined;
}

/** Something that somebody said: line number `index` (from 0) of the entry at `position`. */
export interface Message extends Timing, Hashed {
  readonly type: 'message';
  readonly position: number;
  readonly index: number;
  readonly nick: string;
  /** The public key of whoever said it, base64url: its signature was verified. */
  readonly key: string;
  /** By the sender's clock, in ms since 1970. */
  readonly time: number;
  readonly text: string;
  /** What it is, where it is not simply said. */
  readonly act?: Act;
  /** Whether this very client said it. */
  readonly own: boolean;
  /** There, where it is not the last line of its entry. */
  readonly more?: true;
}

/** An entry that is a message once more, the same number of the same session: it is not shown again. */
export interface Repeated extends Hashed {
  readonly type: 'repeated';
  readonly position: number;
}

/**
 * The relay does not have the log any more that this client has read from, or lost its end: positions that were
 * remembered mean nothing. What it does have is read from its beginning; where it lost its end alone, from there.
 */
export interface LogChanged {
  readonly type: 'log-changed';
  readonly log: string;
}

type Welcomed = Extract<Received, { type: 'welcome' }>;

/** What comes over a connection, its tokens opened. */
export type Event =
  | Witnessed
  | Undecryptable
  | Alarm
  | Extract<Received, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' | 'pong' }>;

/** What becomes of it. */
export type Noticed =
  | Extract<Event, { type: 'welcome' | 'gap' | 'bye' }>
  | (Extract<Event, { type: 'undecryptable' | 'alarm' | 'joined' | 'left' }> & Hashed)
  | FirstSight
  | KeyChanged
  | Message
  | Repeated
  | LogChanged
  | Said
  | Stored;

export interface MembershipOptions {
  /** Names this run of the client to the members, as its envelopes do. */
  readonly run: string;
  /** The public key that signs them. */
  readonly key: string;
  /** Where to begin to read. */
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** What an earlier run said and has no receipt for. */
  readonly restored?: readonly Said[];
  /** The hash of an entry that was read, where it is known (`entryHash`). */
  readonly hashAt?: ((position: number) => string | undefined) | undefined;
}

/** A client's place in a room, which outlives its connections: how far it has read, and what it has said. */
export interface Membership {
  /** Where the next connection begins to read. */
  readonly from: { readonly after: Resume | undefined; readonly last: number | undefined };
  /** Speaks over this connection from now on, once it is welcomed and has read what was there. */
  attach(connection: Connection): void;
  /** The connection is over: closes it, and keeps what is pending. */
  detach(): void;
  /** The same for good, with a `BYE`. */
  readonly leave: () => void;
  /** Takes what came, and says what it means. */
  hear(event: Event): Noticed[];
  /** Takes what is said; it goes out at once or as soon as it can. */
  readonly say: (sealed: Sealed) => Said;
  /** Asks the relay for a sign of life. */
  readonly ping: () => void;
  /** How many of the envelopes of this run have a receipt, up to the first that has none. */
  readonly stored: number;
}

/** Leaves out what is no nick: a relay can announce any text. How many there were stays. */
const named = ({ nicks, count }: Announcement): Pick<Announcement, 'nicks' | 'count'> => {
  const left = nicks.filter(isNick);
  return { nicks: left, count: left.length > 0 ? left.length : count };
};

/**
 * Over each connection a client first reads on to where the log ended when it came back, recognises its own lines on
 * the way, and only then sends the others again: never one that is stored.
 */
export const membership = ({
  run,
  key,
  after,
  last,
  restored = [],
  hashAt = () => undefined,
}: MembershipOptions): Membership => {
  const box = outbox(restored);
  let from: { after: Resume | undefined; last: number | undefined } = { after, last };
  let unannounced: readonly Said[] = restored;
  let connection: Connection | undefined;
  /** The end of the log at the time of joining; `undefined` once it is reached, and before. */
  let end: number | undefined;
  let live = false;

  const write = (line: string) => connection?.write(encodeLine(line));
  const say = (control: Control) => write(controlLine(control));

  const ping = () => {
    if (box.ping()) say({ type: 'ping', n: from.after?.n ?? 0 });
  };

  const hashed = (position: number): Hashed => {
    const hash = hashAt(position);
    return hash === undefined ? {} : { hash };
  };

  const reach = (n: number, isAnnouncement = false) => {
    const before = from.after ?? { log: '', n: 0 };
    from = { after: resumeAt(before, { n, hash: hashAt(n), isAnnouncement }), last: undefined };
    catchUp(n);
  };

  /** Once all is read that was there, it speaks. */
  const catchUp = (position: number) => {
    if (end === undefined || position + 1 < end) return;
    end = undefined;
    live = true;
    for (const token of box.send()) write(token);
  };

  const enter = (welcome: Welcomed): Noticed[] => {
    const known = from.after?.log === '*' ? undefined : from.after;
    // An entry that is no longer kept cannot be compared; the relay tells so by a `GAP` that begins with it.
    const changed =
      known !== undefined &&
      (known.log !== welcome.log || (welcome.from <= known.n && welcome.first <= known.n));
    const skipped = known !== undefined && !changed && welcome.from > known.n + 1;
    const said = unannounced;
    unannounced = [];
    if (changed || known?.n !== welcome.from - 1)
      from = { after: { log: welcome.log, n: welcome.from - 1 }, last: undefined };
    end = welcome.next;
    if (skipped) box.gap();
    catchUp(welcome.from - 1);
    return [
      welcome,
      ...(changed ? [{ type: 'log-changed', log: welcome.log } as const] : []),
      ...(skipped ? [{ type: 'gap', from: known.n + 1, to: welcome.from - 1 } as const] : []),
      ...said,
    ];
  };

  const read = ({ token, position, envelope, repeated, noticed, timing }: Witnessed): Noticed[] => {
    const stored = box.echo(token, position);
    reach(position);
    const located = hashed(position);
    if (repeated) return [...noticed, { type: 'repeated', position, ...located }, ...stored];
    const { nick, key: from, time, lines, act, session } = envelope;
    const own = (from === key && session === run) || stored.length > 0;
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
      ...located,
      ...(index < lines.length - 1 && { more: true }),
    }));
    return [...noticed, ...messages, ...stored];
  };

  const detach = () => {
    connection?.close();
    connection = undefined;
    live = false;
    end = undefined;
    box.hangUp();
  };

  return {
    get from() {
      return from;
    },
    attach: (to) => {
      connection = to;
    },
    detach,
    leave: () => {
      try {
        say({ type: 'bye', reason: 'leaving', retryMs: 0 });
      } catch {
        // It closes anyway; that it could not say so is no reason of its own.
      }
      detach();
    },
    hear: (event) => {
      switch (event.type) {
        case 'welcome':
          return enter(event);
        case 'opened':
          return read(event);
        case 'gap':
          box.gap();
          reach(event.to);
          if (box.isUncertain) ping();
          return [event];
        case 'pong': {
          const stored = box.pong();
          if (box.isUncertain) ping();
          return stored;
        }
        case 'bye':
          return [event];
        default:
          reach(event.position, 'nicks' in event);
          return [{ ...event, ...('nicks' in event && named(event)), ...hashed(event.position) }];
      }
    },
    say: ({ token, lines, act }) => {
      const line = encodeLine(token);
      const said: Said = { type: 'said', lines, ...(act && { act }), token, bytes: line.length };
      box.add(said, live);
      if (live) connection?.write(line);
      return said;
    },
    ping,
    get stored() {
      return box.stored;
    },
  };
};
