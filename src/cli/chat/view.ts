import type { Heard, Message, Resume } from '../../../streams/index.js';
import { foldNick } from '../../../streams/wire/index.js';
import { shown, type Visible, visibleNick } from '../../terminal/visible.js';
import { AROUND, days } from './days.js';
import { comings } from './comings.js';
import { counted } from '../../terminal/counted.js';
import { heardLine, messageLine, presenceLine, welcomeLine } from './format.js';
import { info, type Line, mark } from './line.js';
import { linkView } from './link.js';
import { type Memory, memory } from './memory.js';
import { mentions } from './mention.js';
import { ownLines, type OwnLines } from './own.js';

/** Of how many keys it is remembered who they were. */
const NAMES_LIMIT = 2000;

/** Of more that was missed only the newest so many entries are shown. */
export const CATCH_UP_LIMIT = 1000;

export interface ViewOptions {
  readonly nick: string;
  readonly isVerified: (key: string) => boolean;
  /** Whether this person wants to read nothing of a key. */
  readonly isIgnored: (key: string) => boolean;
  /** Whether a key is this person's own: said by this client, or at another place. */
  readonly isSelf?: (key: string) => boolean;
  /** Of who comes and goes what is news; the rest as it is. */
  readonly news?: (heard: Heard) => readonly Heard[];
  /** How far this person has read before. */
  readonly readTo?: Resume | undefined;
  /** Whether it is told who comes and goes. */
  readonly quiet?: boolean;
  readonly utc?: boolean;
  /** The time of day, in ms since 1970. */
  readonly now: () => number;
  /** A clock that only goes forward, in ms, for spans of time; that of `now`, if it is not given. */
  readonly elapsed?: () => number;
}

/** Something that a person may want to be called for. */
export interface Call {
  readonly from: Visible;
  readonly text: string;
  readonly mention: boolean;
}

/** What is to be shown of one thing. */
interface About {
  readonly lines: readonly Line[];
  readonly call?: Call;
}

/** What is new to show. */
export interface Shown {
  readonly lines: readonly Line[];
  readonly calls: readonly Call[];
}

/** A conversation as one person sees it. */
export interface View {
  /** Takes what was heard, in one turn or in many. */
  readonly hear: (heard: readonly Heard[]) => Shown;
  /** What is due by the mere passing of time. */
  readonly due: () => readonly Line[];
  /** Whether something may become due, or the prompt change, without anything being heard. */
  readonly isWaiting: boolean;
  /** The lines above the prompt. */
  readonly foot: readonly Line[];
  readonly prompt: Visible;
  readonly own: OwnLines;
  readonly memory: Memory;
  /** What one goes by. */
  readonly nick: string;
  readonly topic: Message | undefined;
  readonly isOnline: boolean;
  /** Why somebody is away, as they said it. */
  readonly awayOf: (nick: string) => string | undefined;
  /** Shows a message once more. */
  readonly again: (message: Message) => Line;
  quiet: boolean;
}

/**
 * What is heard in, what a person sees of it out: lines for the scrollback, and what stands under them. Knows no terminal;
 * time comes from its options.
 */
export const view = (options: ViewOptions): View => {
  const {
    isVerified,
    isIgnored,
    isSelf = () => false,
    news = (heard: Heard): readonly Heard[] => [heard],
    readTo,
    utc = false,
    now,
    elapsed = now,
  } = options;
  const link = linkView();
  const own = ownLines();
  const people = comings();
  const remembered = memory();
  const changed = new Set<string>();
  const away = new Map<string, string>();
  /** The nick under which each key said something last. */
  const names = new Map<string, string>();
  /** What one went by before: the relay announces that as gone. */
  const former = new Set<string>();
  const trust = { isVerified, isChanged: (key: string) => changed.has(key) };
  let { nick } = options;
  let quiet = options.quiet ?? false;
  let wasIn = false;
  let topic: Message | undefined;
  const times = days(utc);
  /** From this position on it is heard when it is said. */
  let liveFrom = Infinity;
  /** The times of the messages that came at once, and how many of them were taken. */
  let batch: readonly number[] = [];
  let at = 0;
  /** Where what was missed begins and ends, until the first of it was shown. */
  let missed: { readonly after: number; readonly before: number } | undefined;
  /** Nothing before this position is shown; how much that was. */
  let showFrom = 0;
  let skipped = 0;

  const welcome = (heard: Extract<Heard, { type: 'welcome' }>): readonly Line[] => {
    liveFrom = heard.next;
    if (wasIn) return [];
    wasIn = true;
    showFrom = heard.next - CATCH_UP_LIMIT;
    if (readTo?.log === heard.log) missed = { after: readTo.n, before: heard.next };
    return [welcomeLine(heard, nick)];
  };

  const take = ({ key, nick: name, act, text, own: isOwn }: Message) => {
    names.delete(key);
    names.set(key, name);
    for (const oldest of names.keys()) {
      if (names.size <= NAMES_LIMIT) break;
      names.delete(oldest);
    }
    // Whoever says something is there.
    if (act === 'away') away.set(foldNick(name), text);
    else away.delete(foldNick(name));
    if (isOwn) return;
    // A key that was shouted stays marked until it is verified.
    if (isVerified(key)) changed.delete(key);
  };

  const message = (heard: Message): About => {
    at += 1;
    take(heard);
    if (heard.act === 'topic') topic = heard;
    if (!heard.own && isIgnored(heard.key)) return { lines: [] };
    remembered.add(heard);
    if (heard.position < showFrom) {
      skipped += 1;
      return { lines: [] };
    }
    const isMissed =
      missed !== undefined && !heard.own && heard.position > missed.after && heard.position < missed.before;
    if (isMissed) missed = undefined;
    const before = [
      ...(skipped > 0 ? [info(shown`not shown: ${counted(skipped, 'older message')}`)] : []),
      ...(isMissed ? [mark(shown`new`)] : []),
    ];
    skipped = 0;
    const { rule, doubt } = times.take(
      heard.time,
      batch.slice(at, at + AROUND),
      now(),
      heard.position >= liveFrom,
    );
    const isOwn = heard.own || isSelf(heard.key);
    const line = messageLine({ ...heard, own: isOwn }, trust);
    const lines = [...rule, ...before, { ...line, doubt: heard.old === true ? 'date' : doubt }];
    // What one says at another place calls nobody either.
    if (isOwn) return { lines };
    const { text } = heard;
    return { lines, call: { from: visibleNick(heard.nick), text, mention: mentions(text, nick) } };
  };

  const present = (heard: Extract<Heard, { type: 'joined' | 'left' }>): readonly Line[] => {
    for (const name of heard.nicks) if (heard.type === 'left') away.delete(foldNick(name));
    if (quiet || heard.position < showFrom) return [];
    if (heard.nicks.length === 0) return [presenceLine(heard.type, [], heard.count)];
    for (const name of heard.nicks) {
      const isOwn = name === nick || (heard.type === 'left' && former.delete(name));
      if (!isOwn) people.take(heard.type, name, span);
    }
    return [];
  };

  const other = (heard: Heard): readonly Line[] => {
    if (heard.type === 'key-changed') changed.add(heard.key);
    if (heard.type === 'renamed') {
      former.add(nick);
      ({ nick } = heard);
    }
    if (heard.type === 'first-sight') {
      const before = names.get(heard.key);
      if (before !== undefined)
        return [
          info(
            shown`${visibleNick(heard.nick)} has the key of ${visibleNick(before)}: it is the same person`,
          ),
        ];
    }
    const line = heardLine(heard, trust);
    return line === undefined ? [] : [line];
  };

  const aboutOf = (heard: Heard): About => {
    switch (heard.type) {
      case 'welcome':
        return { lines: welcome(heard) };
      case 'message':
        return message(heard);
      case 'joined':
      case 'left':
        return { lines: present(heard) };
      default:
        return { lines: other(heard) };
    }
  };

  /** When this batch came, by the clock that only goes forward. */
  let span = 0;

  const one = (heard: Heard): readonly About[] => {
    own.hear(heard, now(), span);
    const { lines: said, missed: isMissed } = link.hear(heard, span);
    if (isMissed === true && heard.type === 'welcome') missed = { after: heard.from - 1, before: heard.next };
    const abouts = news(heard).map((each): About => {
      const about = aboutOf(each);
      // Who has come stands before what is said next.
      return about.lines.length === 0 ? about : { ...about, lines: [...people.flush(span), ...about.lines] };
    });
    return [{ lines: said }, ...abouts];
  };

  const due = () => {
    span = elapsed();
    return [...link.due(span), ...people.due(span)];
  };

  return {
    hear: (all) => {
      span = elapsed();
      batch = all.flatMap((each) => (each.type === 'message' ? [each.time] : []));
      at = 0;
      const each = all.flatMap(one);
      return {
        lines: [...each.flatMap(({ lines }) => lines), ...due()],
        calls: each.flatMap(({ call }) => call ?? []),
      };
    },
    due,
    get isWaiting() {
      return link.isWaiting || people.isWaiting || own.pending > 0;
    },
    get foot() {
      return own.lines(shown`${nick}`);
    },
    get prompt() {
      const states = [link.state(elapsed(), own.oldest), awayState(away.get(foldNick(nick)))];
      const words = states.flatMap((each) => each ?? []).join('; ');
      return words === '' ? shown`${nick}> ` : shown`${nick} (${words})> `;
    },
    own,
    memory: remembered,
    get nick() {
      return nick;
    },
    get topic() {
      return topic;
    },
    get isOnline() {
      return link.isOnline;
    },
    awayOf: (name) => away.get(foldNick(name)),
    again: (heard) => ({ ...messageLine(heard, trust), doubt: times.again(heard.time) }),
    get quiet() {
      return quiet;
    },
    set quiet(on) {
      quiet = on;
    },
  };
};

const awayState = (text: string | undefined): Visible | undefined =>
  text === undefined ? undefined : shown`away`;
