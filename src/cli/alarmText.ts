import type { Alarm, KeyChanged } from '../../streams/index.js';
import { visibleNick } from '../terminal/visible.js';

const REASONS: Readonly<Record<Alarm['reason'], (nick: string) => string>> = {
  'bad-signature': (nick) => `is not signed by ${nick}, whom it names; it is not shown`,
  'other-room': (nick) => `was said by ${nick} in another room; it is not shown`,
  replayed: (nick) => `was said by ${nick} before, and is put in again`,
  hole: (nick) => `comes after messages of ${nick} that were left out`,
  reordered: (nick) => `of ${nick} comes too late, after later ones`,
  'counter-reused': (nick) => `of ${nick} has the number of another message`,
  'seen-missing': (nick) => `of ${nick} does not say what ${nick} has read, so nobody can compare`,
  forked: (nick) => `shows that ${nick} was given other entries than you`,
};

/** What is wrong, in words; the nick is made visible. */
export const alarmText = (alarm: Alarm | KeyChanged): string =>
  alarm.type === 'alarm'
    ? `alarm: entry ${alarm.position} ${REASONS[alarm.reason](visibleNick(alarm.nick))}`
    : `alarm: ${visibleNick(alarm.nick)} has another key than before: it may be somebody else`;
