import { concatMap, defer, type Observable, of, repeat, take } from 'rxjs';
import type { LogReader } from '../relay/delivery/fanOut.js';
import type { Cursor } from '../relay/log/roomLog.js';
import { encodeText } from '../wire/encoding.js';
import { CONNECTED, MESSAGES_LOST } from './notices.js';
import type { Sink } from '../wire/connection.js';

const NEWLINE = 10;
const SPACE = 32;

/** Formats a message as a line of the log, with the id of its sender. Messages contain no newline. */
export const logLine = (clientId: number, message: Uint8Array): Uint8Array => {
  const head = encodeText(`${clientId} `);
  const line = new Uint8Array(head.length + message.length + 1);
  line.set(head);
  line.set(message, head.length);
  line[line.length - 1] = NEWLINE;
  return line;
};

/** Reads what one client is sent: a greeting, then the messages of the others and the notices about them. */
export const othersReader = (cursor: Cursor, clientId: number): LogReader => {
  const own = String(clientId);
  let slice = new Uint8Array(0);
  let isGreeted = false;

  const next = (): Uint8Array | undefined => {
    for (;;) {
      if (slice.length === 0) {
        const read = cursor.read();
        if (read === undefined) return undefined;
        if (!(read instanceof Uint8Array)) return encodeText(MESSAGES_LOST);
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

/**
 * Creates a sink that accepts a message and signals `writable$` only after a pause.
 *
 * The wire has no framing. With a pause after each write, a receiver most likely reads each message by itself. Every
 * write returns `false`. `writable$` emits when the sink has drained and `pacing$` has emitted since.
 *
 * ```text
 * write      1--------2----3
 * drained    y        n         (the sink drains 2 later)
 * writable   ---w--------…-w
 * ```
 *
 * @example
 * import { timer } from 'rxjs';
 * import type { Connection } from 'rxchat/streams';
 * import { pacedSink } from './clientOutput.js';
 *
 * const sink = (connection: Connection) => pacedSink(connection, timer(10));
 */
export const pacedSink = (sink: Sink, pacing$: Observable<unknown>): Sink => {
  let isDrained = true;
  return {
    write: (bytes) => {
      isDrained = sink.write(bytes);
      return false;
    },
    writable$: defer(() => (isDrained ? of(undefined) : sink.writable$.pipe(take(1)))).pipe(
      // One value at a time, so nothing is queued here.
      concatMap(() => pacing$.pipe(take(1))),
      repeat(),
    ),
  };
};
