import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { type Control, parseControl } from '../../wire/control.js';
import { type Announcement, parseAnnouncement } from '../../wire/entry.js';
import { ProtocolError, RefusedError } from '../../wire/errors.js';
import { parseGreeting, parseWelcome, type Welcome } from '../../wire/handshake.js';
import { eachLine, type Lines } from '../../wire/lines.js';
import { POSITION_LIMIT } from '../../wire/fields.js';
import { decodeLine } from '../../wire/encoding.js';
import type { Token } from '../envelope/cipher.js';

/** The hash of an entry, if it is known. */
export interface WithHash {
  /** The first bytes of the hash of the entry's line, for a `Resume`. */
  readonly hash?: string | undefined;
}

/** A token with its position in the log. */
export interface TokenEntry {
  readonly type: 'token';
  readonly position: number;
  readonly token: Token;
}

/** A line of the relay, parsed. Entries have their position in the log of the room. */
export type RelayMessage =
  | { readonly type: 'greeting'; readonly nonce: string }
  | ({ readonly type: 'welcome' } & Welcome)
  | TokenEntry
  | (Announcement & { readonly position: number })
  | Exclude<Control, { type: 'err' }>;

/**
 * Parses the lines of a relay and counts the entries: the n-th entry of a log has position n.
 *
 * Skips unknown verbs in upper case, which are for newer clients. Errors with a `RefusedError` at `ERR`, and with a
 * `ProtocolError` at a line that is malformed or contradicts an earlier line. Completes and errors with its source.
 *
 * ```text
 * lines      NICK…----WELCOME from=7…--+alice--gAAAA…--GAP 9 12--gAAAA…
 *              entries()
 * out        greeting-welcome----------joined--token---gap-------token
 * position                             7       8                 13
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { entries, lines } from 'rxchat/streams';
 *
 * const message = (chunk$: Observable<Uint8Array>) => chunk$.pipe(lines(), entries());
 */
export const entries = (): OperatorFunction<Lines, RelayMessage> => (line$) =>
  defer(() => {
    let isGreeted = false;
    let position: number | undefined;
    /** The oldest stored position, if the client reads from before it. A `GAP` up to it must come first. */
    let firstStored: number | undefined;

    const parseControlLine = (line: string): RelayMessage | undefined => {
      const parsed = parseControl(line);
      if (parsed === undefined && /^GAP\b/.test(line))
        throw new ProtocolError('bad-line', 'the relay sent a GAP whose positions are not in order');
      if (parsed?.type === 'err') throw new RefusedError(parsed.code, parsed.text);
      if (parsed?.type === 'gap') {
        if (parsed.from !== position)
          throw new ProtocolError(
            'bad-line',
            'the relay sent a GAP that does not begin at the next position',
          );
        position = parsed.to + 1;
        if (position < (firstStored ?? 0)) throw notStoredError();
        firstStored = undefined;
      }
      if (parsed !== undefined) return parsed;
      if (!isGreeted) {
        isGreeted = true;
        return { type: 'greeting', nonce: parseGreeting(line) };
      }
      if (position !== undefined || !line.startsWith('WELCOME ')) return undefined;
      const welcome = parseWelcome(line);
      position = welcome.from;
      if (welcome.from < welcome.first) firstStored = welcome.first;
      return { type: 'welcome', ...welcome };
    };

    const parseLines = function* (batch: Lines): Generator<RelayMessage> {
      for (const bytes of eachLine(batch)) {
        const line = decodeLine(bytes);
        if (line === undefined)
          throw new ProtocolError('bad-line', 'the relay sent a line that is not UTF-8');
        if (/^[A-Z]/.test(line)) {
          const parsed = parseControlLine(line);
          if (parsed !== undefined) yield parsed;
        } else {
          const announcement = parseAnnouncement(line);
          if (position === undefined || (announcement === undefined && !line.startsWith('g')))
            throw new ProtocolError(
              'bad-line',
              'the relay sent a line that is neither an entry nor a control',
            );
          if (firstStored !== undefined) throw notStoredError();
          if (position >= POSITION_LIMIT)
            throw new ProtocolError('bad-position', `the relay sent a position beyond ${POSITION_LIMIT}`);
          yield announcement === undefined
            ? { type: 'token', position, token: line as Token }
            : { ...announcement, position };
          position += 1;
        }
      }
    };

    return line$.pipe(mergeMap(parseLines));
  });

const notStoredError = (): ProtocolError =>
  new ProtocolError('bad-line', 'the relay sent an entry that it had declared as removed');
