import type { Message } from '../../../../../streams/index.js';
import { foldCase } from '../../../../text/unicode.js';

/** Maximum number of messages of this run that are remembered. */
const MESSAGE_HISTORY_LIMIT = 2000;

/** The messages that this run has received. */
export interface MessageHistory {
  readonly add: (message: Message) => void;
  /** Returns the newest messages, oldest first. */
  readonly last: (count: number) => readonly Message[];
  /** Returns the newest messages that contain a text in any case, oldest first. */
  readonly search: (text: string, count: number) => readonly Message[];
  /** Returns the nicks of the senders, the most recent first, without duplicates. */
  readonly senders: () => readonly string[];
  readonly size: number;
}

/** Remembers the newest `limit` messages. */
export const messageHistory = (limit: number = MESSAGE_HISTORY_LIMIT): MessageHistory => {
  let messages: Message[] = [];
  return {
    add: (message) => {
      messages.push(message);
      // Cuts the list at twice the limit, because a shift per message would copy the list each time.
      if (messages.length >= 2 * limit) messages = messages.slice(-limit);
    },
    last: (count) => (count === 0 ? [] : messages.slice(-Math.min(count, limit))),
    search: (text, count) =>
      messages
        .slice(-limit)
        .filter((each) => foldCase(each.text).includes(foldCase(text)))
        .slice(-count),
    senders: () => [
      ...new Set(
        messages
          .slice(-limit)
          .reverse()
          .filter(({ own }) => !own)
          .map(({ nick }) => nick),
      ),
    ],
    get size() {
      return Math.min(messages.length, limit);
    },
  };
};
