import type { Heard, Message } from '../../streams/index.js';
import { shown, type Visible, visibleNick, visibleNicks } from '../terminal/visible.js';
import { alarmText } from './alarmText.js';

const two = (n: number) => String(n).padStart(2, '0');

/** `HH:MM` by the clock on the wall. */
export const clock = (time: number): string => {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
};

/** Whether it is known who that is; never by colour alone. */
const markOf = ({ own, key }: Message, isVerified: (key: string) => boolean): string => {
  if (own) return '';
  return isVerified(key) ? '\u2713' : '?';
};

/** What somebody sitting in a room sees of it; `undefined`: nothing. What others sent is made visible. */
export const chatFormat = (nick: string, isVerified: (key: string) => boolean) => {
  let wasIn = false;
  return (heard: Heard): Visible | undefined => {
    switch (heard.type) {
      case 'welcome': {
        if (wasIn) return undefined;
        wasIn = true;
        const others = heard.members?.filter((each) => each !== nick) ?? [];
        if (heard.count === 1) return shown`-- you are in, alone so far`;
        return shown`-- you are in, with ${others.length > 0 ? visibleNicks(others) : `${heard.count - 1} others`}`;
      }
      case 'message':
        return shown`${clock(heard.time)} ${markOf(heard, isVerified)}${visibleNick(heard.nick)}: ${heard.text}`;
      case 'joined':
      case 'left': {
        const [sign, verb] = heard.type === 'joined' ? ['-->', 'joined'] : ['<--', 'left'];
        if (heard.nicks.length === 0) return shown`${sign} ${heard.count} members ${verb}`;
        const others = heard.nicks.filter((each) => each !== nick);
        return others.length === 0 ? undefined : shown`${sign} ${visibleNicks(others)} ${verb}`;
      }
      case 'log-changed':
        return shown`-- the relay has lost its history; what it has is shown from the beginning`;
      case 'gap':
        return shown`-- gap: entries ${heard.from} to ${heard.to} are no longer kept`;
      case 'first-sight': {
        const who = visibleNick(heard.nick);
        return shown`-- ${who} is met for the first time; /verify ${who} tells whether it is them`;
      }
      case 'alarm':
      case 'key-changed':
        return shown`!! ${alarmText(heard)}`;
      case 'undecryptable':
        return shown`-- entry ${heard.position} does not open: ${heard.reason}`;
      default:
        return undefined;
    }
  };
};
