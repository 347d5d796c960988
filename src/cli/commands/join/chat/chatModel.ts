import type { ClientEvent, Message, Resume } from '../../../../../streams/index.js';
import { lruMap } from '../../../../../streams/rx/lruMap.js';
import { foldNick, sharedPosition } from '../../../../../streams/wire/index.js';
import { safe, type SafeText, sanitizeNick } from '../../../../text/sanitize.js';
import { NEIGHBOUR_COUNT, timeAnnotator } from './timeAnnotator.js';
import { presenceSummary } from './presenceSummary.js';
import { pluralize } from '../../../../text/format.js';
import { eventLine, groupEventLines, messageLine, presenceLine, welcomeLine } from './eventLine.js';
import { info, type Line, separator } from './line.js';
import { connectionStatus } from './connectionStatus.js';
import { type MessageHistory, messageHistory } from './messageHistory.js';
import { mentions } from '../../../../text/unicode.js';
import type { GroupRoster } from '../../../../text/groupRoster.js';
import { outgoingLines, type OutgoingLines } from './outgoingLines.js';

/** Number of keys whose last nick is remembered. */
const MAX_TRACKED_KEYS = 2000;

/** Maximum number of missed entries to show; older entries are skipped. */
export const CATCH_UP_LIMIT = 1000;

/** Options of `chatModel`. */
export interface ChatModelOptions {
  readonly nick: string;
  readonly isVerified: (key: string) => boolean;
  /** Returns whether the user ignores a key. */
  readonly isIgnored: (key: string) => boolean;
  /** Returns whether a key is the user's own, on this client or on another. */
  readonly isOwnKey?: (key: string) => boolean;
  /** Removes joins and leaves that are no news, and passes other events on. */
  readonly dedupePresence?: (event: ClientEvent) => readonly ClientEvent[];
  /** Who is in the group of the room; none in a key room. */
  readonly roster?: Pick<GroupRoster, 'update' | 'persons'> | undefined;
  /** The read position of an earlier run. */
  readonly readUpTo?: Resume | undefined;
  /** Whether joins and leaves are hidden. */
  readonly quiet?: boolean;
  readonly utc?: boolean;
  /** Returns the time of day, in ms since 1970. */
  readonly now: () => number;
  /** Returns a monotonic time in ms, for durations; defaults to `now`. */
  readonly elapsedMs?: () => number;
}

/** A message that may deserve a bell or a notification. */
export interface Alert {
  readonly from: SafeText;
  readonly text: string;
  readonly isMention: boolean;
}

/** The output for an event. */
interface EventOutput {
  readonly lines: readonly Line[];
  readonly alert?: Alert;
}

/** New lines and alerts to show. */
export interface ChatOutput {
  readonly lines: readonly Line[];
  readonly alerts: readonly Alert[];
}

/** A conversation as the user sees it. */
export interface ChatModel {
  /** Handles events, in any batches, and returns what to show. */
  readonly update: (events: readonly ClientEvent[]) => ChatOutput;
  /** Returns the lines that have become due since the last call. */
  readonly takeDue: () => readonly Line[];
  /** Whether lines may become due, or the prompt may change, without an event. */
  readonly isPending: boolean;
  /** The lines above the prompt. */
  readonly footer: readonly Line[];
  readonly prompt: SafeText;
  readonly outgoing: OutgoingLines;
  readonly history: MessageHistory;
  /** The current nick of the user. */
  readonly nick: string;
  readonly topic: Message | undefined;
  readonly isOnline: boolean;
  /** Returns why a member is away, or `undefined` if the member is not. */
  readonly awayReason: (nick: string) => string | undefined;
  /** Formats a message that is shown again. */
  readonly repeatLine: (message: Message) => Line;
  quiet: boolean;
}

/**
 * Turns events into lines for the scrollback, and maintains the footer and the prompt.
 * It is independent of the terminal, and gets the time from its options. The file is over 250 lines because all event
 * handlers share one state.
 */
export const chatModel = (options: ChatModelOptions): ChatModel => {
  const {
    isVerified,
    isIgnored,
    isOwnKey = () => false,
    dedupePresence = (event: ClientEvent): readonly ClientEvent[] => [event],
    roster,
    readUpTo,
    utc = false,
    now,
    elapsedMs = now,
  } = options;
  const connection = connectionStatus();
  const outgoing = outgoingLines();
  const presence = presenceSummary(roster !== undefined);
  const history = messageHistory();
  const changedKeys = new Set<string>();
  const awayReasons = new Map<string, string>();
  /** The last nick of each key. */
  const nickOfKey = lruMap<string, string>(MAX_TRACKED_KEYS);
  /** Former nicks of the user, which the relay announces as left. */
  const formerNicks = new Set<string>();
  const trust = { isVerified, isChanged: (key: string) => changedKeys.has(key) };
  let { nick } = options;
  let quiet = options.quiet ?? false;
  let hasJoined = false;
  let topic: Message | undefined;
  const timeAnnotations = timeAnnotator(utc);
  /** Messages from this position on are live. */
  let liveFrom = Infinity;
  /** The times of the messages in this batch, and how many are handled. */
  let batch: readonly number[] = [];
  let messageIndex = 0;
  /** The range of missed messages, until the first of them is shown. */
  let missed: { readonly after: number; readonly before: number } | undefined;
  /** The position before which nothing is shown, and the number of messages skipped. */
  let showFrom = 0;
  let skipped = 0;

  const welcomeLines = (event: Extract<ClientEvent, { type: 'welcome' }>): readonly Line[] => {
    liveFrom = event.next;
    if (hasJoined) return [];
    hasJoined = true;
    showFrom = event.next - CATCH_UP_LIMIT;
    const shared = sharedPosition(event, readUpTo?.log);
    if (readUpTo !== undefined && shared !== undefined)
      missed = { after: Math.min(readUpTo.n, shared), before: event.next };
    return [welcomeLine(event, nick, roster)];
  };

  const trackSender = ({ key, nick: name, act, text, own: isOwn }: Message) => {
    nickOfKey.set(key, name);
    // A member who sends a message is no longer away.
    if (act === 'away') awayReasons.set(foldNick(name), text);
    else awayReasons.delete(foldNick(name));
    if (isOwn) return;
    // A changed key stays marked until it is verified.
    if (isVerified(key)) changedKeys.delete(key);
  };

  const messageOutput = (event: Message): EventOutput => {
    messageIndex += 1;
    trackSender(event);
    if (event.act === 'topic') topic = event;
    if (!event.own && isIgnored(event.key)) return { lines: [] };
    history.add(event);
    if (event.position < showFrom) {
      skipped += 1;
      return { lines: [] };
    }
    const isMissed =
      missed !== undefined && !event.own && event.position > missed.after && event.position < missed.before;
    if (isMissed) missed = undefined;
    const before = [
      ...(skipped > 0 ? [info(safe`not shown: ${pluralize(skipped, 'older message')}`)] : []),
      ...(isMissed ? [separator(safe`new`)] : []),
    ];
    skipped = 0;
    const { separator: separatorLines, doubt } = timeAnnotations.annotate(
      event.time,
      batch.slice(messageIndex, messageIndex + NEIGHBOUR_COUNT),
      now(),
      event.position >= liveFrom,
    );
    const isOwn = event.own || isOwnKey(event.key);
    const line = messageLine({ ...event, own: isOwn }, trust);
    const lines = [...separatorLines, ...before, { ...line, doubt: event.old === true ? 'date' : doubt }];
    // The user's own messages from another client raise no alert either.
    if (isOwn) return { lines };
    const { text } = event;
    return { lines, alert: { from: sanitizeNick(event.nick), text, isMention: mentions(text, nick) } };
  };

  const presenceLines = (event: Extract<ClientEvent, { type: 'joined' | 'left' }>): readonly Line[] => {
    for (const name of event.nicks) if (event.type === 'left') awayReasons.delete(foldNick(name));
    if (quiet || event.position < showFrom) return [];
    if (event.nicks.length === 0) return [presenceLine(event.type, [], event.count, roster !== undefined)];
    for (const name of event.nicks) {
      const isOwn = name === nick || (event.type === 'left' && formerNicks.delete(name));
      if (!isOwn) presence.add(event.type, name, batchMs);
    }
    return [];
  };

  const otherLines = (event: ClientEvent): readonly Line[] => {
    if (event.type === 'key-changed') changedKeys.add(event.key);
    if (event.type === 'renamed') {
      formerNicks.add(nick);
      ({ nick } = event);
    }
    if (event.type === 'first-seen') {
      const before = nickOfKey.get(event.key);
      if (before !== undefined)
        return [
          info(
            safe`${sanitizeNick(event.nick)} has the same key as ${sanitizeNick(before)}; it is the same person`,
          ),
        ];
    }
    const line = eventLine(event, trust);
    return line === undefined ? [] : [line];
  };

  const outputOf = (event: ClientEvent): EventOutput => {
    switch (event.type) {
      case 'welcome':
        return { lines: welcomeLines(event) };
      case 'message':
        return messageOutput(event);
      case 'joined':
      case 'left':
        return { lines: presenceLines(event) };
      default:
        return { lines: otherLines(event) };
    }
  };

  /** The monotonic time of this batch, in ms. */
  let batchMs = 0;

  const handleEvent = (event: ClientEvent): readonly EventOutput[] => {
    outgoing.update(event, now(), batchMs);
    const { lines: statusLines, missed: isMissed } = connection.update(event, batchMs);
    if (isMissed === true && event.type === 'welcome') missed = { after: event.from - 1, before: event.next };
    const groupLines = groupEventLines(event, roster?.update(event) ?? []);
    const outputs = dedupePresence(event).map((each): EventOutput => {
      const output = outputOf(each);
      // Joins and leaves that happened earlier come before the next line.
      return output.lines.length === 0
        ? output
        : { ...output, lines: [...presence.flush(batchMs), ...output.lines] };
    });
    const isVisible = !('position' in event) || (event.position ?? 0) >= showFrom;
    return [{ lines: [...statusLines, ...(isVisible ? groupLines : [])] }, ...outputs];
  };

  const takeDue = () => {
    batchMs = elapsedMs();
    return [...connection.takeDue(batchMs), ...presence.takeDue(batchMs)];
  };

  return {
    update: (all) => {
      batchMs = elapsedMs();
      batch = all.flatMap((each) => (each.type === 'message' ? [each.time] : []));
      messageIndex = 0;
      const each = all.flatMap(handleEvent);
      return {
        lines: [...each.flatMap(({ lines }) => lines), ...takeDue()],
        alerts: each.flatMap(({ alert }) => alert ?? []),
      };
    },
    takeDue,
    get isPending() {
      return connection.isPending || presence.isPending || outgoing.pending > 0;
    },
    get footer() {
      return outgoing.lines(safe`${nick}`);
    },
    get prompt() {
      const states = [
        connection.promptText(elapsedMs(), outgoing.oldestPendingMs),
        awayText(awayReasons.get(foldNick(nick))),
      ];
      const words = states.flatMap((each) => each ?? []).join('; ');
      return words === '' ? safe`${nick}> ` : safe`${nick} (${words})> `;
    },
    outgoing,
    history: history,
    get nick() {
      return nick;
    },
    get topic() {
      return topic;
    },
    get isOnline() {
      return connection.isOnline;
    },
    awayReason: (name) => awayReasons.get(foldNick(name)),
    repeatLine: (event) => ({
      ...messageLine(event, trust),
      doubt: timeAnnotations.doubtWhenRepeated(event.time),
    }),
    get quiet() {
      return quiet;
    },
    set quiet(on) {
      quiet = on;
    },
  };
};

const awayText = (text: string | undefined): SafeText | undefined =>
  text === undefined ? undefined : safe`away`;
