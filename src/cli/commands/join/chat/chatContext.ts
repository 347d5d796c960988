import { validateNick, foldNick } from '../../../../../streams/wire/index.js';
import { safe, sanitizeNick, type SafeText } from '../../../../text/sanitize.js';
import type { Contacts } from '../../../shared/contacts.js';
import type { ChatContext } from './chatAction.js';
import { formatTime, pluralize } from '../../../../text/format.js';
import { verbatim, info } from './line.js';
import type { ChatModel } from './chatModel.js';
import { groupChat } from './groupChat.js';
import type { GroupRoster } from '../../../../text/groupRoster.js';

/** Maximum number of messages that a search shows. */
const SEARCH_LIMIT = 20;

const lastMessagesText = (count: number): string =>
  count === 1 ? 'the last message' : `the last ${count} messages`;

/** Options of `chatContext`. */
interface ChatContextOptions {
  readonly model: ChatModel;
  readonly contacts: Contacts;
  readonly members: () => readonly string[];
  /** Returns the present invite. */
  readonly invite: () => SafeText;
  readonly utc: boolean;
  /** Who is in the group of the room, or `undefined` in a key room. */
  readonly roster?: GroupRoster | undefined;
}

/** Returns what the slash commands can read and change. */
export const chatContext = ({
  model,
  contacts,
  members,
  invite,
  utc,
  roster,
}: ChatContextOptions): ChatContext => {
  /** Formats a member without a trust mark: only the relay vouches for presence. */
  const memberText = (nick: string): string => {
    const key = contacts.keyOf(nick);
    const notes = [
      ...(nick === model.nick ? ['you'] : []),
      ...(key !== undefined && contacts.isIgnored(key) ? ['ignored'] : []),
      ...[model.awayReason(nick)].flatMap((reason) =>
        reason === undefined ? [] : [reason === 'away' ? reason : `away: ${reason}`],
      ),
    ];
    return `${sanitizeNick(nick)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
  };

  return {
    who: () => [info(safe`here: ${members().map(memberText).join(', ')}`)],
    invite: () => [info(safe`this invite admits anyone who has it:`), verbatim(invite())],
    verify: (nick, answer) => contacts.verify(nick, answer).map(info),
    ignore: (nick, answer) => [info(contacts.ignore(nick, answer))],
    quiet: (answer) => {
      if (answer !== '' && answer !== 'on' && answer !== 'off')
        return [info(safe`usage: /quiet on or /quiet off`)];
      model.quiet = answer === '' ? !model.quiet : answer === 'on';
      return [info(model.quiet ? safe`joins and leaves are hidden` : safe`joins and leaves are shown`)];
    },
    history: (count) => {
      const found = model.history.last(count);
      if (found.length === 0)
        return [info(safe`no messages in this run; join --last N starts with older ones`)];
      return [info(safe`${lastMessagesText(found.length)} of this run:`), ...found.map(model.repeatLine)];
    },
    search: (text) => {
      const found = model.history.search(text, SEARCH_LIMIT);
      if (found.length === 0)
        return [
          info(safe`not found in the ${pluralize(model.history.size, 'message')} of this run: ${text}`),
        ];
      return [
        info(safe`${lastMessagesText(found.length)} of this run with ${text}:`),
        ...found.map(model.repeatLine),
      ];
    },
    topic: () => {
      const { topic } = model;
      if (topic === undefined)
        return [info(safe`no topic was set since you joined; /topic TEXT sets one for everyone`)];
      const { text, nick, time } = topic;
      return [info(safe`topic: ${text} (by ${sanitizeNick(nick)}, ${formatTime(time, utc)})`)];
    },
    discard: () => {
      const count = model.outgoing.discard();
      if (count > 0) return [];
      return [
        info(
          model.outgoing.pending > 0
            ? safe`nothing has failed; pending messages (\u25cc) may be stored already and cannot be removed`
            : safe`there is nothing to discard`,
        ),
      ];
    },
    isAway: () => model.awayReason(model.nick) !== undefined,
    isOnline: () => model.isOnline,
    group: roster === undefined ? undefined : groupChat(roster),
    nickProblem: (nick) => {
      if (nick === model.nick) return safe`you are ${nick}`;
      try {
        validateNick(nick);
      } catch (error) {
        return safe`cannot use the nick ${nick}: ${error instanceof Error ? error.message : 'it is not a valid nick'}`;
      }
      const isTaken = members().some((each) => each !== model.nick && foldNick(each) === foldNick(nick));
      return isTaken ? safe`the nick ${nick} is already in use` : undefined;
    },
  };
};
