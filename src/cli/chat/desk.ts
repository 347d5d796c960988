import { checkNick, foldNick } from '../../../streams/wire/index.js';
import { shown, visibleNick, type Visible } from '../../terminal/visible.js';
import type { People } from '../people.js';
import type { Desk } from './commands.js';
import { clock } from './clock.js';
import { counted } from '../../terminal/counted.js';
import { bare, info } from './line.js';
import type { View } from './view.js';

/** The most that a search shows. */
const FOUND_LIMIT = 20;

const newest = (count: number): string => (count === 1 ? 'the last message' : `the last ${count} messages`);

export interface DeskOptions {
  readonly view: View;
  readonly people: People;
  readonly members: () => readonly string[];
  readonly invite: Visible;
  readonly utc: boolean;
}

/** What the commands of a conversation know and do, by what a person sees and whom they know. */
export const desk = ({ view, people, members, invite, utc }: DeskOptions): Desk => {
  /** Without a mark of who is verified: that a nick is here is the word of the relay alone. */
  const person = (nick: string): string => {
    const key = people.keyOf(nick);
    const notes = [
      ...(nick === view.nick ? ['you'] : []),
      ...(key !== undefined && people.isIgnored(key) ? ['ignored'] : []),
      ...[view.awayOf(nick)].flatMap((why) =>
        why === undefined ? [] : [why === 'away' ? why : `away: ${why}`],
      ),
    ];
    return `${visibleNick(nick)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
  };

  return {
    who: () => [info(shown`here: ${members().map(person).join(', ')}`)],
    invite: () => [info(shown`whoever has this invite is in:`), bare(invite)],
    verify: (nick, answer) => people.verify(nick, answer).map(info),
    ignore: (nick, answer) => [info(people.ignore(nick, answer))],
    quiet: (answer) => {
      if (answer !== '' && answer !== 'on' && answer !== 'off')
        return [info(shown`/quiet on, or /quiet off`)];
      view.quiet = answer === '' ? !view.quiet : answer === 'on';
      return [
        info(view.quiet ? shown`who comes and goes is not told any more` : shown`who comes and goes is told`),
      ];
    },
    history: (count) => {
      const found = view.memory.last(count);
      if (found.length === 0)
        return [info(shown`nothing was said in this run; join --last N begins with older messages`)];
      return [info(shown`${newest(found.length)} of this run:`), ...found.map(view.again)];
    },
    search: (text) => {
      const found = view.memory.search(text, FOUND_LIMIT);
      if (found.length === 0)
        return [info(shown`not found in the ${counted(view.memory.size, 'message')} of this run: ${text}`)];
      return [info(shown`${newest(found.length)} of this run with ${text}:`), ...found.map(view.again)];
    },
    topic: () => {
      const { topic } = view;
      if (topic === undefined)
        return [info(shown`no topic was set since you came in; /topic TEXT sets one for everyone`)];
      const { text, nick, time } = topic;
      return [info(shown`topic: ${text} (by ${visibleNick(nick)}, ${clock(time, utc)})`)];
    },
    discard: () => {
      const count = view.own.discard();
      if (count > 0) return [];
      return [
        info(
          view.own.pending > 0
            ? shown`nothing has failed; what waits (\u25cc) may be in the room already, and cannot be taken back`
            : shown`there is nothing to discard`,
        ),
      ];
    },
    isAway: () => view.awayOf(view.nick) !== undefined,
    isOnline: () => view.isOnline,
    refuse: (nick) => {
      if (nick === view.nick) return shown`you are ${nick}`;
      try {
        checkNick(nick);
      } catch (error) {
        return shown`you cannot be ${nick}: ${error instanceof Error ? error.message : 'it is no nick'}`;
      }
      const taken = members().some((each) => each !== view.nick && foldNick(each) === foldNick(nick));
      return taken ? shown`${nick} is here already` : undefined;
    },
  };
};
