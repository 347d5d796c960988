import type { Act, Alarm, ClientEvent } from '../../streams/index.js';
import { pluralize } from './format.js';
import { safe, type SafeText, sanitizeNick, sanitizeNicks } from './sanitize.js';

const REASON_TEXTS: Readonly<Record<Alarm['reason'], (nick: string) => string>> = {
  'bad-signature': (nick) => `claims to be from ${nick} but has an invalid signature; hidden`,
  'other-room': (nick) => `from ${nick} belongs to another room; hidden`,
  replayed: (nick) => `replays an earlier message from ${nick}`,
  hole: (nick) => `follows missing messages from ${nick}`,
  reordered: (nick) => `from ${nick} comes out of order, after later ones`,
  'counter-reused': (nick) => `from ${nick} reuses the number of another message`,
  'seen-missing': (nick) =>
    `from ${nick} does not state what ${nick} has read, so histories cannot be compared`,
  forked: (nick) => `shows that ${nick} received a different history from yours`,
};

/** Event that the chat, `listen` and the page describe in the same words. */
type CommonEvent =
  | Extract<ClientEvent, { readonly type: 'alarm' | 'key-changed' | 'undecryptable' | 'log-changed' }>
  | Presence;

/** Joins or leaves of the relay's list. */
interface Presence extends Pick<
  Extract<ClientEvent, { readonly type: 'joined' | 'left' }>,
  'type' | 'nicks' | 'count'
> {
  /** Whether the room is a group room, whose members stay members while they are offline. */
  readonly isGroup?: boolean;
}

/** In a group room, "joined" and "left" are said of members. */
const GROUP_PRESENCE_WORDS = { joined: 'came online', left: 'went offline' } as const;

/** Describes an event. Of joins and leaves, the caller removes the nicks that are no news. */
export const eventText = (event: CommonEvent): SafeText => {
  switch (event.type) {
    case 'joined':
    case 'left': {
      const { nicks, count, type, isGroup = false } = event;
      return safe`${nicks.length === 0 ? pluralize(count, 'member') : sanitizeNicks(nicks)} ${isGroup ? GROUP_PRESENCE_WORDS[type] : type}`;
    }
    case 'log-changed':
      return logChangedText(event);
    case 'undecryptable':
      return safe`entry ${event.position} cannot be decrypted: ${event.reason}`;
    case 'alarm':
      return safe`alarm: entry ${event.position} ${REASON_TEXTS[event.reason](sanitizeNick(event.nick))}`;
    case 'key-changed':
      return safe`alarm: ${sanitizeNick(event.nick)} has a different key than before; it may be someone else`;
  }
};

const logChangedText = ({ shared, lost = 0 }: Extract<CommonEvent, { type: 'log-changed' }>): SafeText => {
  if (shared === undefined) return safe`the relay lost its history; positions restart`;
  return lost === 0
    ? safe`the store of the relay was restored or copied; the log has a new id`
    : safe`the relay was restored to an earlier state; it lost the entries ${shared + 1} to ${shared + lost}`;
};

/** Describes an act in words that follow the nick. */
export const actText = (act: Act, text: string): string => {
  switch (act) {
    case 'me':
      return text;
    case 'topic':
      return `set the topic: ${text}`;
    case 'away':
      return text === 'away' ? 'is away' : `is away: ${text}`;
    case 'back':
      return 'is back';
  }
};
