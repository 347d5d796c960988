import type { MessageContent } from '../envelope/messageContent.js';
import type { OutgoingMessage, SealOptions } from '../send/seal.js';

/** The contents of the messages that a client sends, numbered in their order. */
export interface MessageContents {
  /** Returns the content of a new message. */
  readonly create: (message: OutgoingMessage) => MessageContent;
  /**
   * Returns the content of a message of an earlier run. It is the same content, so the others recognise a message that the
   * log has already.
   */
  readonly reuse: (content: MessageContent) => MessageContent;
}

/** What the contents of a client's messages say besides their text. */
export interface MessageContentOptions {
  readonly senderSession: string;
  /** Returns the time of day in ms since 1970. */
  readonly now: () => number;
  /** Returns the nick, the number of stored messages and what the client has seen of the log. */
  readonly getAttestation: NonNullable<SealOptions['getAttestation']>;
}

/** Creates the contents of one run of a client. */
export const createMessageContents = ({
  senderSession,
  now,
  getAttestation,
}: MessageContentOptions): MessageContents => {
  let counter = 0;
  let earlierCount = 0;

  return {
    create: ({ lines, act }) => {
      counter += 1;
      const { nick = '', stored, seen } = getAttestation();
      // The messages of an earlier run are not numbered in this one.
      const ownStored = Math.max(0, stored - earlierCount);
      return { nick, lines, act, session: senderSession, counter, time: now(), stored: ownStored, seen };
    },
    reuse: (content) => {
      earlierCount += 1;
      return content;
    },
  };
};
