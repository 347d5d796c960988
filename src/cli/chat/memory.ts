import type { Message } from '../../../streams/index.js';

/** How many messages of this run are remembered. */
export const MEMORY_LIMIT = 2000;

/** What this run has seen of the conversation. */
export interface Memory {
  readonly add: (message: Message) => void;
  /** The newest messages, oldest first. */
  readonly last: (count: number) => readonly Message[];
  /** The newest of those that hold a text, in whatever case, oldest first. */
  readonly search: (text: string, count: number) => readonly Message[];
  /** Who has said something, whoever did so last first; each nick once. */
  readonly speakers: () => readonly string[];
  readonly size: number;
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** Remembers the newest `limit` messages. */
export const memory = (limit: number = MEMORY_LIMIT): Memory => {
  let messages: Message[] = [];
  return {
    add: (message) => {
      messages.push(message);
      // Cut now and then: a shift for each would cost the whole list each time.
      if (messages.length >= 2 * limit) messages = messages.slice(-limit);
    },
    last: (count) => (count === 0 ? [] : messages.slice(-Math.min(count, limit))),
    search: (text, count) =>
      messages
        .slice(-limit)
        .filter((each) => folded(each.text).includes(folded(text)))
        .slice(-count),
    speakers: () => [
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
