import { asyncScheduler } from 'rxjs';
import type { TalkHeard } from '../../streams/classic/talk.js';
import { clock } from '../cli/chat/clock.js';
import { joined, shown, type Visible, visibleJson, visibleNick, visibleText } from '../terminal/visible.js';

/** What `listen` prints: to standard output, or as a note beside it. */
export interface Printed {
  readonly out?: Visible;
  readonly note?: string;
}

/** Text for people. What others sent is made visible. */
export const plainLine = (heard: TalkHeard, nick: string): Printed =>
  heard.type === 'message'
    ? { out: joined(shown`${visibleNick(heard.nick)}: `, visibleText(heard.text)) }
    : noteOf(heard, nick);

/** One JSON object a line; text in it is exact. The time is that of the arrival: this wire has no other. */
export const jsonLine = (heard: TalkHeard, nick: string): Printed => {
  switch (heard.type) {
    case 'message':
      return {
        out: visibleJson({
          v: 1,
          type: 'message',
          wire: 'classic',
          time: new Date(asyncScheduler.now()).toISOString(),
          from: { nick: heard.nick, verified: false },
          text: heard.text,
        }),
      };
    case 'undecryptable':
      return { out: visibleJson({ v: 1, type: 'undecryptable', wire: 'classic', reason: heard.reason }) };
    default:
      return noteOf(heard, nick);
  }
};

const noteOf = (heard: TalkHeard, nick: string): Printed => {
  switch (heard.type) {
    case 'joined':
    case 'left':
      return heard.nick === nick ? {} : { note: `${visibleNick(heard.nick)} ${heard.type}` };
    case 'undecryptable':
      return { note: `a message does not open: ${heard.reason}` };
    case 'other':
      return { note: `the server says: ${heard.text}` };
    default:
      return {};
  }
};

/** What somebody sitting in a chat sees of it; `undefined`: nothing. */
export const chatLine = (heard: TalkHeard, nick: string): Visible | undefined => {
  switch (heard.type) {
    case 'connected':
      return shown`-- you are in`;
    case 'message':
      return joined(
        shown`${clock(asyncScheduler.now())} ${visibleNick(heard.nick)}: `,
        visibleText(heard.text),
      );
    case 'joined':
      return heard.nick === nick ? undefined : shown`--> ${visibleNick(heard.nick)} joined`;
    case 'left':
      return heard.nick === nick ? undefined : shown`<-- ${visibleNick(heard.nick)} left`;
    case 'undecryptable':
      return shown`-- a message does not open: ${heard.reason}`;
    case 'other':
      return shown`-- the server says: ${heard.text}`;
    default:
      return undefined;
  }
};
