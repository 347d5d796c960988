import type { Act, ClientEvent, Message } from '../../../../../streams/index.js';
import { safe, type SafeText, sanitizeNick, sanitizeNicks } from '../../../../text/sanitize.js';
import { actText, eventText } from '../../../../text/eventText.js';
import { pluralize } from '../../../../text/format.js';
import type { GroupRoster } from '../../../../text/groupRoster.js';
import { alarm, info, type Line, sanitizeRows } from './line.js';

/** Reports whether the key of a sender is verified or changed. */
interface Trust {
  readonly isVerified: (key: string) => boolean;
  /** Returns whether the nick came with a key other than the known key. */
  readonly isChanged: (key: string) => boolean;
}

/** Returns the trust mark of a key, so that trust never shows by colour alone. */
const trustMark = (key: string, { isVerified, isChanged }: Trust): string => {
  if (isVerified(key)) return '\u2713';
  return isChanged(key) ? '!' : '?';
};

/** Formats a message, `alice: hello`, or an action, `* alice waves`. */
export const messageText = (
  {
    nick,
    key,
    act,
  }: { readonly nick: SafeText; readonly key: string | undefined; readonly act?: Act | undefined },
  text: string,
): Pick<Line, 'prefix' | 'author' | 'rows'> => {
  if (act === undefined) return { author: { name: nick, key, end: safe`:` }, rows: sanitizeRows(text) };
  const who = { name: nick, key, end: safe`` };
  return { prefix: act === 'me' ? safe`*` : safe`--`, author: who, rows: sanitizeRows(actText(act, text)) };
};

/** Returns the line of a message. */
export const messageLine = (message: Message, trust: Trust): Line => {
  const { own, key, nick, time, text, act } = message;
  const name = safe`${own ? '' : trustMark(key, trust)}${sanitizeNick(nick)}`;
  return { tone: 'said', time, ...messageText({ nick: name, key, act }, text) };
};

/** Returns the line of joins or leaves: `--> bob, carol joined`. */
export const presenceLine = (
  type: 'joined' | 'left',
  nicks: readonly string[],
  count: number = nicks.length,
  isGroup = false,
): Line => ({
  tone: 'info',
  prefix: type === 'joined' ? safe`-->` : safe`<--`,
  rows: [eventText({ type, nicks, count, isGroup })],
});

/**
 * Returns the line of an event, or `undefined` if it shows nothing.
 * The caller formats joins and leaves.
 */
export const eventLine = (event: ClientEvent, trust: Trust): Line | undefined => {
  switch (event.type) {
    case 'message':
      return messageLine(event, trust);
    case 'log-changed':
    case 'undecryptable':
      return info(eventText(event));
    case 'gap': {
      const { from, to } = event;
      return info(safe`gap: ${pluralize(to - from + 1, 'message')} expired (entries ${from} to ${to})`);
    }
    case 'first-seen': {
      const name = sanitizeNick(event.nick);
      return info(safe`first message from ${name}; verify with /verify ${name}`);
    }
    case 'alarm':
    case 'key-changed':
      return alarm(eventText(event));
    case 'renamed':
      return info(safe`you are now ${event.nick}`);
    case 'rename-rejected':
      return info(safe`cannot use the nick ${event.nick}: ${event.reason}`);
    default:
      return undefined;
  }
};

/** Returns the lines of what an event says about the group. A removal is as visible as an alarm. */
export const groupEventLines = (event: ClientEvent, texts: readonly SafeText[]): readonly Line[] =>
  texts.map(
    event.type === 'removed' || (event.type === 'epoch' && event.change === 'removed') ? alarm : info,
  );

/** Returns the line that says who is in the room after joining. In a group room it counts the members, if they are known. */
export const welcomeLine = (
  { members, count }: Extract<ClientEvent, { type: 'welcome' }>,
  nick: string,
  roster?: Pick<GroupRoster, 'persons'>,
): Line => {
  const others = members?.filter((each) => each !== nick) ?? [];
  const othersText = others.length > 0 ? sanitizeNicks(others) : safe`${pluralize(count - 1, 'other')}`;
  if (roster === undefined)
    return info(count === 1 ? safe`you are in, alone so far` : safe`you are in, with ${othersText}`);
  const personCount = roster.persons().length;
  const countText = personCount === 0 ? '' : `, ${pluralize(personCount, 'member')}`;
  return info(
    safe`group room${countText}; ${count === 1 ? safe`nobody else is online` : safe`online: ${othersText}`}`,
  );
};
