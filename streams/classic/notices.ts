/** The prompt for the nick of a new client. */
export const NICK_PROMPT = 'NICK';

/** The greeting of a client that has joined. */
export const CONNECTED = 'Connected to the server.';

/** The notice to a client that read too slowly and missed messages. */
export const MESSAGES_LOST = 'Some messages are lost: they were read too slowly.';

/** Formats the notice about a client that has joined. */
export const joinedNotice = (nick: string): string => `${nick} joined the chat.`;

/** Formats the notice about a client that has left. */
export const leftNotice = (nick: string): string => `${nick} left the chat.`;

/** A notice of the server. `other` is a text that this wire does not define. */
export type Notice =
  | { readonly type: 'connected' }
  | { readonly type: 'joined' | 'left'; readonly nick: string }
  | { readonly type: 'other'; readonly text: string };

const NOTICE_PATTERN = /(Connected to the server\.)|([^]*?) (joined|left) the chat\.|[^]+$/g;

/** Parses a text into its notices, which may follow each other without a separator. */
export const parseNotices = (text: string): readonly Notice[] =>
  Array.from(text.matchAll(NOTICE_PATTERN), ([all, connected, nick = '', verb]): Notice => {
    if (connected !== undefined) return { type: 'connected' };
    if (verb === undefined) return { type: 'other', text: all };
    return { type: verb === 'joined' ? 'joined' : 'left', nick };
  });
