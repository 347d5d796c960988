import type { Act, Heard, Message } from '../../../streams/index.js';
import { shown, type Visible, visibleNick, visibleNicks } from '../../terminal/visible.js';
import { actText } from '../actText.js';
import { alarmText } from '../alarmText.js';
import { counted } from '../../terminal/counted.js';
import { alarm, info, type Line, rowsOf } from './line.js';

/** What is known of who somebody is. */
export interface Trust {
  readonly isVerified: (key: string) => boolean;
  /** Whether the nick came with another key than this person knew. */
  readonly isChanged: (key: string) => boolean;
}

/** Whether it is known who that is; never by colour alone. */
export const markOf = (key: string, { isVerified, isChanged }: Trust): string => {
  if (isVerified(key)) return '\u2713';
  return isChanged(key) ? '!' : '?';
};

/** `alice: hello`, or what somebody does: `* alice waves`. */
export const speech = (
  {
    nick,
    key,
    act,
  }: { readonly nick: Visible; readonly key: string | undefined; readonly act?: Act | undefined },
  text: string,
): Pick<Line, 'sign' | 'who' | 'text'> => {
  if (act === undefined) return { who: { name: nick, key, end: shown`:` }, text: rowsOf(text) };
  const who = { name: nick, key, end: shown`` };
  return { sign: act === 'me' ? shown`*` : shown`--`, who, text: rowsOf(actText(act, text)) };
};

/** Something that was said. */
export const messageLine = (message: Message, trust: Trust): Line => {
  const { own, key, nick, time, text, act } = message;
  const name = shown`${own ? '' : markOf(key, trust)}${visibleNick(nick)}`;
  return { tone: 'said', time, ...speech({ nick: name, key, act }, text) };
};

/** `--> bob, carol joined`; of oneself nothing. */
export const presenceLine = (
  type: 'joined' | 'left',
  nicks: readonly string[],
  count: number = nicks.length,
): Line => ({
  tone: 'info',
  sign: type === 'joined' ? shown`-->` : shown`<--`,
  text: [
    nicks.length === 0 ? shown`${counted(count, 'member')} ${type}` : shown`${visibleNicks(nicks)} ${type}`,
  ],
});

/** What somebody sitting in a room sees of it, but for who comes and goes; `undefined`: nothing. */
export const heardLine = (heard: Heard, trust: Trust): Line | undefined => {
  switch (heard.type) {
    case 'message':
      return messageLine(heard, trust);
    case 'log-changed':
      return info(shown`the relay has lost its history; what it has is shown from the beginning`);
    case 'gap': {
      const { from, to } = heard;
      return info(shown`gap: ${counted(to - from + 1, 'message')} expired (entries ${from} to ${to})`);
    }
    case 'first-sight': {
      const who = visibleNick(heard.nick);
      return info(shown`${who} is met for the first time; /verify ${who} tells whether it is them`);
    }
    case 'alarm':
    case 'key-changed':
      return alarm(shown`${alarmText(heard)}`);
    case 'undecryptable':
      return info(shown`entry ${heard.position} does not open: ${heard.reason}`);
    case 'renamed':
      return info(shown`you are ${heard.nick} now`);
    case 'not-renamed':
      return info(shown`you cannot be ${heard.nick}: ${heard.reason}`);
    default:
      return undefined;
  }
};

/** That one is in, and with whom. */
export const welcomeLine = ({ members, count }: Extract<Heard, { type: 'welcome' }>, nick: string): Line => {
  const others = members?.filter((each) => each !== nick) ?? [];
  if (count === 1) return info(shown`you are in, alone so far`);
  return info(
    shown`you are in, with ${others.length > 0 ? visibleNicks(others) : counted(count - 1, 'other')}`,
  );
};
