import type { Heard, Message } from '../../streams/index.js';
import { counted } from '../terminal/counted.js';
import {
  joined,
  shown,
  type Visible,
  visibleJson,
  visibleNick,
  visibleNicks,
  visibleText,
} from '../terminal/visible.js';
import { actText } from './actText.js';
import { alarmText } from './alarmText.js';

/** The version of the JSON lines; fields are only ever added to it. */
const JSON_VERSION = 1;

const LOG_CHANGED = 'the relay has lost its history; positions begin anew';

/** What `listen` prints: to standard output, or as a note beside it. */
export interface Printed {
  readonly out?: Visible;
  readonly note?: string;
}

/** Whether a nick is known with another key than the one that it came with. */
type IsChanged = (who: Pick<Message, 'nick' | 'key'>) => boolean;

/** Text for people. What others sent is made visible. */
export const plainFormat =
  (nick: string, isChanged: IsChanged = () => false) =>
  (heard: Heard): Printed => {
    switch (heard.type) {
      case 'message':
        return { out: plainMessage(heard, isChanged(heard)) };
      case 'joined':
      case 'left':
        return present(heard, nick);
      case 'log-changed':
        return { note: LOG_CHANGED };
      case 'gap':
        return { note: `gap: entries ${heard.from} to ${heard.to} are no longer kept` };
      case 'first-sight':
        return met(heard);
      case 'alarm':
      case 'key-changed':
        return { note: alarmText(heard) };
      case 'undecryptable':
        return { note: `entry ${heard.position} does not open: ${heard.reason}` };
      default:
        return {};
    }
  };

/** One JSON object a line; text in it is exact. */
export const jsonFormat =
  (
    nick: string,
    room: string,
    isVerified: (key: string) => boolean,
    events = false,
    isChanged: IsChanged = () => false,
  ) =>
  (heard: Heard): Printed => {
    const line = (fields: object) => ({
      out: visibleJson({ v: JSON_VERSION, type: heard.type, room, ...fields }),
    });
    switch (heard.type) {
      case 'message': {
        const { position, index, time, text, act } = heard;
        return line({
          position,
          index,
          time: new Date(time).toISOString(),
          from: {
            nick: heard.nick,
            key: heard.key,
            verified: isVerified(heard.key),
            ...(isChanged(heard) && { changed: true }),
          },
          text,
          ...(act && { act }),
          ...(heard.old === true && { old: true }),
          ...(heard.timeDifferenceMs !== undefined && { timeDifferenceMs: heard.timeDifferenceMs }),
        });
      }
      case 'gap':
        return line({ from: heard.from, to: heard.to });
      case 'log-changed':
        return line({ log: heard.log });
      case 'undecryptable':
        return line({ position: heard.position, reason: heard.reason });
      case 'alarm': {
        const { position, reason, nick: name, key } = heard;
        return line({ position, reason, from: { nick: name, key } });
      }
      case 'key-changed': {
        const { position, nick: name, key, before } = heard;
        return { ...line({ position, from: { nick: name, key }, before }), note: alarmText(heard) };
      }
      case 'first-sight':
        return met(heard);
      case 'joined':
      case 'left':
        return events
          ? line({ position: heard.position, nicks: heard.nicks, count: heard.count })
          : present(heard, nick);
      case 'welcome': {
        const { log, from, next, members, count } = heard;
        return events ? line({ type: 'online', log, from, next, nicks: members, count }) : {};
      }
      case 'offline':
        return events ? line({ reason: heard.reason, retryMs: heard.retryMs }) : {};
      default:
        return {};
    }
  };

/** `alice: hello`; an action begins with a star, a nick with a changed key with `!`, and an old message names its time. */
const plainMessage = ({ nick, text, act, time, old }: Message, isChanged: boolean): Visible => {
  const when = old === true ? ` (old, ${new Date(time).toISOString()})` : '';
  const who = shown`${isChanged ? '!' : ''}${visibleNick(nick)}${when}`;
  return act === undefined
    ? joined(shown`${who}: `, visibleText(text))
    : joined(shown`* ${who} `, visibleText(actText(act, text)));
};

const met = ({ nick, key }: Extract<Heard, { type: 'first-sight' }>): Printed => ({
  note: `${nick} is met for the first time, with the key ${key}`,
});

/** `alice joined`; of oneself nothing. */
const present = (heard: Extract<Heard, { type: 'joined' | 'left' }>, nick: string): Printed => {
  if (heard.nicks.length === 0) return { note: `${counted(heard.count, 'member')} ${heard.type}` };
  const others = heard.nicks.filter((each) => each !== nick);
  return others.length === 0 ? {} : { note: `${visibleNicks(others)} ${heard.type}` };
};
