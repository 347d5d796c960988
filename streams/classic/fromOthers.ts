import type { Reader } from '../relay/follower.js';
import type { Cursor } from '../relay/roomLog.js';
import { encodeText } from '../wire/utf8.js';
import { CONNECTED, LOST } from './notices.js';

const NEWLINE = 10;
const SPACE = 32;

/** A message as a line of the log: who is not to get it, and what it is. Messages have no newlines. */
export const lineOf = (seat: number, message: Uint8Array): Uint8Array => {
  const head = encodeText(`${seat} `);
  const line = new Uint8Array(head.length + message.length + 1);
  line.set(head);
  line.set(message, head.length);
  line[line.length - 1] = NEWLINE;
  return line;
};

/** What one seat is written, message by message: a greeting, then what others have said and the server says of them. */
export const fromOthers = (cursor: Cursor, seat: number): Reader => {
  const own = String(seat);
  let slice = new Uint8Array(0);
  let isGreeted = false;

  const next = (): Uint8Array | undefined => {
    for (;;) {
      if (slice.length === 0) {
        const read = cursor.read();
        if (read === undefined) return undefined;
        if (!(read instanceof Uint8Array)) return encodeText(LOST);
        slice = read as Uint8Array<ArrayBuffer>;
      }
      const end = slice.indexOf(NEWLINE);
      const space = slice.indexOf(SPACE);
      const from = String.fromCharCode(...slice.subarray(0, space));
      const message = slice.subarray(space + 1, end);
      slice = slice.subarray(end + 1);
      if (from !== own) return message;
    }
  };

  return {
    read: () => {
      if (isGreeted) return next();
      isGreeted = true;
      return encodeText(CONNECTED);
    },
  };
};
