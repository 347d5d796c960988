import type { Act, Heard } from '../../streams/index.js';
import { actText } from '../cli/actText.js';
import { alarmText } from '../cli/alarmText.js';
import { clock, dated } from '../cli/chat/clock.js';
import { mentions } from '../cli/chat/mention.js';
import { counted } from '../terminal/counted.js';
import { visibleNick, visibleNicks, visibleText } from '../terminal/visible.js';
import { make } from './dom.js';
import type { Keys } from './keep.js';
import { piecesOf } from './links.js';

/** A line of the conversation, in its place. */
export interface Row {
  readonly key: string;
  readonly position: number;
  readonly index: number;
  /** Whether somebody else said it. */
  readonly isNews: boolean;
  readonly draw: () => HTMLElement;
  /** When it was said, by the sender's clock. */
  readonly time?: number;
}

export interface Drawing {
  /** One's own public key and nick. */
  readonly key: string;
  readonly nick: string;
  readonly keys: Keys;
  readonly onPerson: (nick: string, key: string) => void;
}

/** Before the message at the same position. */
const BEFORE = -1;

const row = (
  kind: string,
  position: number,
  index: number,
  draw: () => HTMLElement,
  isNews = false,
): Row => ({
  key: `${position}.${index}.${kind}`,
  position,
  index,
  isNews,
  draw,
});

const note = (position: number, text: string, kind = 'note'): Row =>
  row(kind, position, BEFORE, () => make('div', kind, text));

/** A sign that is drawn, and its word for who does not see it. */
const sign = (className: string, drawn: string, word: string): HTMLElement => {
  const element = make('span', className, make('span', 'unseen', ` ${word} `));
  const shown = make('span', '', drawn);
  shown.setAttribute('aria-hidden', 'true');
  element.append(shown);
  element.title = word;
  return element;
};

/** A text in its lines, its addresses as links that show all of where they lead. */
const written = (text: string): readonly (Node | string)[] =>
  piecesOf(linesOf(text)).map((piece) => {
    if (!piece.isLink) return piece.text;
    const link = make('a', '', piece.text);
    link.setAttribute('href', piece.text);
    link.rel = 'noreferrer noopener';
    link.target = '_blank';
    return link;
  });

const linesOf = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((each) => visibleText(each))
    .join('\n');

/** What is said, by others or oneself; whatever it holds, it is text. */
export const drawMessage = (
  said: {
    readonly nick: string;
    readonly key: string;
    readonly text: string;
    readonly act?: Act | undefined;
    readonly time: number | undefined;
    readonly old?: true | undefined;
  },
  { key, nick, keys, onPerson }: Drawing,
  mark: 'stored' | 'pending' | 'failed' | undefined,
): HTMLElement => {
  const isOwn = said.key === key;
  const line = make('div', `message${isOwn ? ' own' : ''}${mark === 'failed' ? ' failed' : ''}`);
  if (!isOwn && mentions(said.text, nick)) line.classList.add('mention');
  if (said.time !== undefined) {
    const time = make('time', '', said.old === true ? dated(said.time) : clock(said.time));
    time.dateTime = new Date(said.time).toISOString();
    line.append(time);
  }
  // Before the nick, where no text of anybody can stand: what somebody does is no words of theirs.
  if (said.act !== undefined) line.append(sign('act', said.act === 'me' ? '*' : '--', 'action:'), ' ');
  const who = make('button', 'who', visibleNick(said.nick));
  who.type = 'button';
  who.addEventListener('click', () => {
    onPerson(said.nick, said.key);
  });
  line.append(who);
  if (isOwn) line.append(' ');
  else {
    const check = keys.isVerified(said.key)
      ? sign('check good', '\u2713', 'verified')
      : sign('check', '?', 'not verified');
    // What it means is said where keys are compared. By the keyboard the nick leads there.
    check.addEventListener('click', () => {
      onPerson(said.nick, said.key);
    });
    line.append(check);
  }
  line.append(
    make('span', 'text', ...written(said.act === undefined ? said.text : actText(said.act, said.text))),
  );
  if (mark !== undefined) line.append(sign('mark', MARKS[mark], mark === 'failed' ? 'not sent' : mark));
  return line;
};

const MARKS = { stored: '\u25cf', pending: '\u25cc', failed: '\u2717 not sent' } as const;

/** What somebody in a room sees of it; `undefined`: nothing. */
export const rowOf = (heard: Heard, drawing: Drawing): Row | undefined => {
  switch (heard.type) {
    case 'message': {
      const isOwn = heard.key === drawing.key;
      const draw = () => drawMessage(heard, drawing, isOwn ? 'stored' : undefined);
      return { ...row('message', heard.position, heard.index, draw, !isOwn), time: heard.time };
    }
    case 'joined':
    case 'left': {
      const others = heard.nicks.filter((nick) => nick !== drawing.nick);
      if (heard.nicks.length > 0 && others.length === 0) return undefined;
      const who = others.length > 0 ? visibleNicks(others) : counted(heard.count, 'member');
      return note(heard.position, `${who} ${heard.type}`, 'presence');
    }
    case 'gap':
      return note(heard.to, `entries ${heard.from} to ${heard.to} are no longer kept`);
    case 'first-sight': {
      const who = visibleNick(heard.nick);
      return note(heard.position, `${who} is met for the first time: choose the nick to compare numbers`);
    }
    case 'alarm':
    case 'key-changed':
      return note(heard.position, alarmText(heard), `alarm ${heard.type}`);
    case 'undecryptable':
      return note(heard.position, `entry ${heard.position} does not open: ${heard.reason}`);
    default:
      return undefined;
  }
};
