import { asyncScheduler, concat, defer, ignoreElements, NEVER, of, takeUntil, takeWhile, tap } from 'rxjs';
import type { ClassicEvent } from '../../../streams/classic/classicClient.js';
import {
  concatText,
  safe,
  type SafeText,
  safeJson,
  sanitizeNick,
  sanitizeMessage,
} from '../../text/sanitize.js';
import type { Run } from '../args/command.js';
import { Exit, printNote } from '../process/exit.js';
import { integerFlag } from '../args/flags.js';
import { interrupted$, outputClosed$ } from '../process/stdio.js';
import { writeOut } from '../../terminal/write.js';
import { clientFromFlags, serverClosedError } from './clientFromFlags.js';

/** The output of `listen`: a line on standard output, or a note on standard error. */
interface ListenOutput {
  readonly out?: SafeText;
  readonly note?: string;
}

/** Formats an event as plain text. Text of others is sanitized. */
export const formatPlain = (event: ClassicEvent, nick: string): ListenOutput =>
  event.type === 'message'
    ? { out: concatText(safe`${sanitizeNick(event.nick)}: `, sanitizeMessage(event.text)) }
    : formatNote(event, nick);

/** Formats an event as a line of JSON, with exact texts. Its time is that of the arrival, as this wire has no other. */
export const formatJson = (event: ClassicEvent, nick: string): ListenOutput => {
  switch (event.type) {
    case 'message':
      return {
        out: safeJson({
          v: 1,
          type: 'message',
          wire: 'classic',
          time: new Date(asyncScheduler.now()).toISOString(),
          from: { nick: event.nick, verified: false },
          text: event.text,
        }),
      };
    case 'undecryptable':
      return { out: safeJson({ v: 1, type: 'undecryptable', wire: 'classic', reason: event.reason }) };
    default:
      return formatNote(event, nick);
  }
};

const formatNote = (event: ClassicEvent, nick: string): ListenOutput => {
  switch (event.type) {
    case 'joined':
    case 'left':
      return event.nick === nick ? {} : { note: `${sanitizeNick(event.nick)} ${event.type}` };
    case 'undecryptable':
      return { note: `a message cannot be decrypted: ${event.reason}` };
    case 'other':
      return { note: `the server says: ${event.text}` };
    default:
      return {};
  }
};

/** Runs `rxchat listen --wire classic`: prints messages until a signal, or the first `-n` messages. */
export const listen: Run = ({ flags }) =>
  defer(() => {
    const count = integerFlag(flags, 'count', 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
    const { connect, nick } = clientFromFlags(flags, { unique: true });
    const format = flags['json'] === true ? formatJson : formatPlain;
    let messageCount = 0;
    let isEnough = false;

    return concat(
      NEVER.pipe(
        connect,
        tap((event) => {
          const { out, note } = format(event, nick);
          if (out !== undefined) writeOut(out);
          if (note !== undefined) printNote(note);
        }),
        takeWhile((event) => {
          if (event.type === 'message') messageCount += 1;
          isEnough = messageCount >= count;
          return !isEnough;
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (isEnough = true)))),
        takeUntil(interrupted$),
      ),
      defer(() => {
        if (!isEnough) throw serverClosedError();
        return of(Exit.ok);
      }),
    );
  });
