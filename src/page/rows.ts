import type { Act, ClientEvent } from '../../streams/index.js';
import { actText, eventText } from '../text/eventText.js';
import { formatTime, formatDateTime } from '../text/format.js';
import { mentions } from '../text/unicode.js';
import { sanitizeNick, sanitizeMessage } from '../text/sanitize.js';
import { createElement } from './dom.js';
import type { KnownKeys } from './storage.js';
import { linkSegments } from './linkSegments.js';

/** A row of the timeline. */
export interface Row {
  readonly key: string;
  readonly position: number;
  readonly index: number;
  /** Whether another member sent it. */
  readonly isFromOther: boolean;
  readonly render: () => HTMLElement;
  /** Time of the message by the clock of its sender, in ms since 1970. */
  readonly time?: number;
}

export interface RowContext {
  /** Public key of the user. */
  readonly key: string;
  readonly nick: string;
  readonly keys: KnownKeys;
  /** Whether the members agree on who they are. The relay then reports only who is online. */
  readonly isGroup: boolean;
  readonly onSelectPerson: (nick: string, key: string) => void;
}

/** Before the message at the same position. */
const BEFORE_MESSAGE = -1;

const createRow = (
  kind: string,
  position: number,
  index: number,
  draw: () => HTMLElement,
  isFromOther = false,
): Row => ({
  key: `${position}.${index}.${kind}`,
  position,
  index,
  isFromOther,
  render: draw,
});

/** Creates a row with a line of text. */
export const createNote = (
  position: number,
  text: string,
  kind = 'note',
  index: number = BEFORE_MESSAGE,
): Row => createRow(kind, position, index, () => createElement('div', kind, text));

/** Creates an icon with a text for screen readers. */
const createIcon = (className: string, symbol: string, word: string): HTMLElement => {
  const element = createElement('span', className, createElement('span', 'unseen', ` ${word} `));
  const visiblePart = createElement('span', '', symbol);
  visiblePart.setAttribute('aria-hidden', 'true');
  element.append(visiblePart);
  element.title = word;
  return element;
};

/** Renders a text with its addresses as links that show their complete target. */
const renderText = (text: string): readonly (Node | string)[] =>
  linkSegments(sanitizeLines(text)).map((segment) => {
    if (!segment.isLink) return segment.text;
    const link = createElement('a', '', segment.text);
    link.setAttribute('href', segment.text);
    link.rel = 'noreferrer noopener';
    link.target = '_blank';
    return link;
  });

const sanitizeLines = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => sanitizeMessage(line))
    .join('\n');

/** Renders a message as text, whatever it contains. */
export const renderMessage = (
  message: {
    readonly nick: string;
    readonly key: string;
    readonly text: string;
    readonly act?: Act | undefined;
    readonly time: number | undefined;
    readonly old?: true | undefined;
  },
  { key, nick, keys, onSelectPerson }: RowContext,
  mark: 'stored' | 'pending' | 'failed' | undefined,
): HTMLElement => {
  const isOwn = message.key === key;
  const line = createElement('div', `message${isOwn ? ' own' : ''}${mark === 'failed' ? ' failed' : ''}`);
  if (!isOwn && mentions(message.text, nick)) line.classList.add('mention');
  if (message.time !== undefined) {
    const time = createElement(
      'time',
      '',
      message.old === true ? formatDateTime(message.time) : formatTime(message.time),
    );
    time.dateTime = new Date(message.time).toISOString();
    line.append(time);
  }
  // The icon precedes the nick, where no text of a member can appear, so that nobody can imitate an action.
  if (message.act !== undefined)
    line.append(createIcon('act', message.act === 'me' ? '*' : '--', 'action:'), ' ');
  const nickButton = createElement('button', 'who', sanitizeNick(message.nick));
  nickButton.type = 'button';
  nickButton.addEventListener('click', () => {
    onSelectPerson(message.nick, message.key);
  });
  line.append(nickButton);
  if (isOwn) line.append(' ');
  else {
    const verifiedIcon = keys.isVerified(message.key)
      ? createIcon('check good', '\u2713', 'verified')
      : createIcon('check', '?', 'not verified');
    // The dialog explains the icon. Keyboard users reach it through the nick.
    verifiedIcon.addEventListener('click', () => {
      onSelectPerson(message.nick, message.key);
    });
    line.append(verifiedIcon);
  }
  line.append(
    createElement(
      'span',
      'text',
      ...renderText(message.act === undefined ? message.text : actText(message.act, message.text)),
    ),
  );
  if (mark !== undefined) line.append(createIcon('mark', MARKS[mark], mark === 'failed' ? 'not sent' : mark));
  return line;
};

const MARKS = { stored: '\u25cf', pending: '\u25cc', failed: '\u2717 not sent' } as const;

/** Creates the row of an event, or returns `undefined` if it shows nothing. */
export const createEventRow = (event: ClientEvent, context: RowContext): Row | undefined => {
  switch (event.type) {
    case 'message': {
      const isOwn = event.key === context.key;
      const draw = () => renderMessage(event, context, isOwn ? 'stored' : undefined);
      return { ...createRow('message', event.position, event.index, draw, !isOwn), time: event.time };
    }
    case 'joined':
    case 'left': {
      const nicks = event.nicks.filter((nick) => nick !== context.nick);
      if (event.nicks.length > 0 && nicks.length === 0) return undefined;
      return createNote(event.position, eventText({ ...event, nicks, isGroup: context.isGroup }), 'presence');
    }
    case 'gap':
      return createNote(event.to, `entries ${event.from} to ${event.to} are no longer kept`);
    case 'first-seen': {
      const who = sanitizeNick(event.nick);
      return createNote(event.position, `${who} is new here: select the nick to verify`);
    }
    case 'alarm':
    case 'key-changed':
      return createNote(event.position, eventText(event), `alarm ${event.type}`);
    case 'undecryptable':
      return createNote(event.position, eventText(event));
    case 'log-changed':
      return createNote(event.shared ?? 0, eventText(event));
    default:
      return undefined;
  }
};
