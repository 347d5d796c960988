import { defer, EMPTY, mergeMap, of, type OperatorFunction } from 'rxjs';
import { ProtocolError } from '../wire/errors.js';
import { encodeText } from '../wire/utf8.js';
import { ASK_NICK } from './notices.js';

const QUESTION = encodeText(ASK_NICK);

/** How the greeting of `rxchat/1` goes on. */
const OTHER_WIRE = encodeText(' rxchat/');

/**
 * Chunks of a server in; calls `reply` once it has asked for the nick, and gives what comes behind the question.
 * Completes and errors with its source, and with `ProtocolError` where something else is said first.
 *
 * ```text
 * chunk   --"NI"--"CK"---"Connected…"--|
 *           asked(reply)
 * reply   ---------x
 * chunk   ---------------"Connected…"--|
 * ```
 *
 * @example
 * import { classic, type Connection, encodeText } from 'rxchat/streams';
 *
 * const greeted = ({ chunk$, write }: Connection) => chunk$.pipe(classic.asked(() => write(encodeText('alice'))));
 */
export const asked =
  (reply: () => void): OperatorFunction<Uint8Array, Uint8Array> =>
  (chunk$) =>
    defer(() => {
      let at = 0;
      return chunk$.pipe(
        mergeMap((chunk) => {
          if (at === QUESTION.length) return of(chunk);
          let read = 0;
          for (; at < QUESTION.length && read < chunk.length; at += 1, read += 1)
            if (chunk[read] !== QUESTION[at])
              throw new ProtocolError('bad-version', 'what is there does not speak the classic wire');
          const rest = chunk.subarray(read);
          if (OTHER_WIRE.every((byte, n) => rest[n] === byte))
            throw new ProtocolError('bad-version', 'the relay speaks rxchat/1 and not the classic wire');
          if (at === QUESTION.length) reply();
          return rest.length > 0 ? of(rest) : EMPTY;
        }),
      );
    });
