import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { type Control, readControl } from '../wire/control.js';
import { type Announcement, readAnnouncement } from '../wire/entry.js';
import { ProtocolError, RefusedError } from '../wire/errors.js';
import { readGreeting, readWelcome, type Welcome } from '../wire/handshake.js';
import { eachLine, type Lines } from '../wire/lines.js';
import { POSITION_LIMIT } from '../wire/resume.js';
import { decodeLine } from '../wire/utf8.js';
import type { Token } from './cipher.js';
import type { TokenEntry } from './open.js';

/** What a relay says, each entry with its position in the room's log. */
export type Received =
  | { readonly type: 'greeting'; readonly nonce: string }
  | ({ readonly type: 'welcome' } & Welcome)
  | TokenEntry
  | (Announcement & { readonly position: number })
  | Exclude<Control, { type: 'err' }>;

/**
 * A relay's lines in, what it says out, entries with their positions: the n-th line of a room *is* number n, so the
 * client counts.
 *
 * Upper-case verbs that are not known are for newer clients and pass by. `ERR` is a `RefusedError`. A line that cannot be
 * read, or that contradicts what the relay said before, is a `ProtocolError`. Completes and errors with its source.
 *
 * ```text
 * lines    NICK…----WELCOME from=7…--+alice--gAAAA…--GAP 9 12--gAAAA…
 *            entries()
 * out      greeting-welcome----------joined--token---gap-------token
 * position                           7       8                 13
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { entries, lines } from 'rxchat/streams';
 *
 * const received = (chunk$: Observable<Uint8Array>) => chunk$.pipe(lines(), entries());
 */
export const entries = (): OperatorFunction<Lines, Received> => (line$) =>
  defer(() => {
    let greeted = false;
    let position: number | undefined;
    /** The oldest position that is still kept, if the stream begins before it: a `GAP` up to there comes first. */
    let kept: number | undefined;

    const control = (line: string): Received | undefined => {
      const said = readControl(line);
      if (said === undefined && /^GAP\b/.test(line))
        throw new ProtocolError('bad-line', 'the relay sent a GAP that is not two positions in order');
      if (said?.type === 'err') throw new RefusedError(said.code, said.text);
      if (said?.type === 'gap') {
        if (said.from !== position)
          throw new ProtocolError(
            'bad-line',
            'the relay sent a GAP that does not begin at the next position',
          );
        position = said.to + 1;
        if (position < (kept ?? 0)) throw notKept();
        kept = undefined;
      }
      if (said !== undefined) return said;
      if (!greeted) {
        greeted = true;
        return { type: 'greeting', nonce: readGreeting(line) };
      }
      if (position !== undefined || !line.startsWith('WELCOME ')) return undefined;
      const welcome = readWelcome(line);
      position = welcome.from;
      if (welcome.from < welcome.first) kept = welcome.first;
      return { type: 'welcome', ...welcome };
    };

    const read = function* (batch: Lines): Generator<Received> {
      for (const bytes of eachLine(batch)) {
        const line = decodeLine(bytes);
        if (line === undefined)
          throw new ProtocolError('bad-line', 'the relay sent a line that is not UTF-8');
        if (/^[A-Z]/.test(line)) {
          const said = control(line);
          if (said !== undefined) yield said;
        } else {
          const announcement = readAnnouncement(line);
          if (position === undefined || (announcement === undefined && !line.startsWith('g')))
            throw new ProtocolError(
              'bad-line',
              'the relay sent a line that is neither an entry nor a control',
            );
          if (kept !== undefined) throw notKept();
          if (position >= POSITION_LIMIT)
            throw new ProtocolError('bad-position', `the relay counts beyond ${POSITION_LIMIT}`);
          yield announcement === undefined
            ? { type: 'token', position, token: line as Token }
            : { ...announcement, position };
          position += 1;
        }
      }
    };

    return line$.pipe(mergeMap(read));
  });

const notKept = (): ProtocolError =>
  new ProtocolError('bad-line', 'the relay sent an entry that it had said it no longer keeps');
