/** What the server says itself, in plain text and without anything behind it. */

/** What a server asks a newcomer for its nick with. */
export const ASK_NICK = 'NICK';

/** What a newcomer is told who is in. */
export const CONNECTED = 'Connected to the server.';

/** What somebody is told who read so slowly that messages were dropped. */
export const LOST = 'Some messages are lost: they were read too slowly.';

export const joinedNotice = (nick: string): string => `${nick} joined the chat.`;
export const leftNotice = (nick: string): string => `${nick} left the chat.`;

/** What a text of the server says; `other`: words that are none of the wire's own. */
export type Notice =
  | { readonly type: 'connected' }
  | { readonly type: 'joined' | 'left'; readonly nick: string }
  | { readonly type: 'other'; readonly text: string };

const KNOWN = /(Connected to the server\.)|([^]*?) (joined|left) the chat\.|[^]+$/g;

/** Takes a text apart that may hold several of them, one right behind the other. */
export const readNotices = (text: string): readonly Notice[] =>
  Array.from(text.matchAll(KNOWN), ([all, connected, nick = '', verb]): Notice => {
    if (connected !== undefined) return { type: 'connected' };
    if (verb === undefined) return { type: 'other', text: all };
    return { type: verb === 'joined' ? 'joined' : 'left', nick };
  });
