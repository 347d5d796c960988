import {
  concat,
  connect,
  defer,
  EMPTY,
  from,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  switchMap,
  take,
  throwError,
} from 'rxjs';
import { takeUntilComplete } from '../../rx/takeUntilComplete.js';
import { decodeText } from '../../wire/encoding.js';
import { ProtocolError } from '../../wire/errors.js';
import { MAX_NICK_LENGTH } from '../../wire/nick.js';
import { type Frame, type ScannerOptions, tokenScanner } from './tokenScanner.js';
import { byteBuffer, findPrefix } from './tokenShape.js';

export interface FramesOptions extends ScannerOptions {
  /** Emits when a pause is long enough to end a frame. Subscribed after each chunk. */
  readonly idle$: Observable<unknown>;
}

/**
 * Splits chunks into tokens and texts, on a wire without framing.
 *
 * Emits a frame as soon as its end is known, or after a pause. Frames are copies. Completes with its source, after the
 * remaining frames. Errors with its source, or with a `ProtocolError` for a token that is too long. Each subscription
 * buffers one token at most.
 *
 * ```text
 * chunk    --"NICKgAA"--"AAA…=="-----"Bob left"--" the chat."-------|
 *            frames({ idle$: timer(5) })
 * frame    -------------(text token)-----------------------text----|
 * ```
 *
 * @example
 * import { of, timer } from 'rxjs';
 * import { encodeText } from 'rxchat/streams';
 * import { frames } from './frames.js';
 *
 * of(encodeText('alice joined the chat.'))
 *   .pipe(frames({ idle$: timer(20) }))
 *   .subscribe({ next: ({ type }) => console.log(type), error: console.error }); // text
 */
export const frames =
  ({ idle$, ...options }: FramesOptions): OperatorFunction<Uint8Array, Frame> =>
  (chunk$) =>
    defer(() => {
      const scanner = tokenScanner(options);
      const read = (chunk: Uint8Array): Observable<Frame> => {
        const found = scanner.push(chunk);
        return scanner.error === undefined
          ? from(found)
          : concat(
              found,
              throwError(() => scanner.error),
            );
      };
      return concat(
        chunk$.pipe(
          connect((shared$) =>
            merge(
              shared$.pipe(mergeMap(read)),
              shared$.pipe(
                switchMap(() => (scanner.hasPending ? idle$.pipe(take(1)) : EMPTY)),
                mergeMap(() => scanner.flush()),
                takeUntilComplete(shared$),
              ),
            ),
          ),
        ),
        defer(() => scanner.end()),
      );
    });

/** The nick of a client, or the bytes after it. These bytes are only valid during their emission. */
export type NickReply =
  { readonly type: 'nick'; readonly nick: string } | { readonly type: 'rest'; readonly bytes: Uint8Array };

/** The maximum size of the reply in bytes: a nick with white space around it. */
const MAX_NICK_REPLY_BYTES = 512;

/**
 * Returns the nick in a reply, without the white space around it. Throws a `ProtocolError` for an invalid nick.
 *
 * A nick may contain spaces. It is displayed as it is, so it has no control characters and nothing invisible or
 * bidirectional. It has no `: `, which ends the nick in a message.
 */
export const parseClassicNick = (text: string): string => {
  const nick = text.trim();
  if (nick === '') throw new ProtocolError('nick-empty', 'the nick is empty');
  if (Array.from(nick).length > MAX_NICK_LENGTH)
    throw new ProtocolError('nick-too-long', `the nick is longer than ${MAX_NICK_LENGTH} characters`);
  if (/(?! )[\p{Z}\p{C}\u115f\u1160\u2800\u3164\uffa0]/u.test(nick) || nick.includes(': '))
    throw new ProtocolError('nick-invalid', 'the nick has a control, an invisible character or ": "');
  return nick;
};

/**
 * Splits the chunks of a client into its nick and the bytes after it.
 *
 * This wire does not mark the end of a nick. The nick ends where a token begins, or when `idle$` emits. Completes and
 * errors with its source, and errors with a `ProtocolError` for an invalid nick.
 *
 * ```text
 * chunk    --"al"-"ice"--------"gAAAA…"--|
 *            parseNickReply({ idle$: timer(5) })
 * reply    -------------(alice)-(rest)---|
 * ```
 *
 * @example
 * import { of, timer } from 'rxjs';
 * import { encodeText } from 'rxchat/streams';
 * import { parseNickReply } from './frames.js';
 *
 * of(encodeText('alicegAAAAA'))
 *   .pipe(parseNickReply({ idle$: timer(100) }))
 *   .subscribe({ next: ({ type }) => console.log(type), error: console.error }); // nick, rest
 */
export const parseNickReply =
  ({ idle$ }: { readonly idle$: Observable<unknown> }): OperatorFunction<Uint8Array, NickReply> =>
  (chunk$) =>
    defer(() => {
      const buffer = byteBuffer(MAX_NICK_REPLY_BYTES);
      let isAnswered = false;

      const reply = (end: number): NickReply[] => {
        isAnswered = true;
        const text = decodeText(buffer.bytes.subarray(0, end));
        if (text === undefined) throw new ProtocolError('nick-invalid', 'the nick is not UTF-8');
        const nick: NickReply = { type: 'nick', nick: parseClassicNick(text) };
        const rest: NickReply = { type: 'rest', bytes: buffer.bytes.slice(end, buffer.size) };
        return rest.bytes.length > 0 ? [nick, rest] : [nick];
      };
      const push = (bytes: Uint8Array): NickReply[] => {
        if (isAnswered) return [{ type: 'rest', bytes }];
        buffer.append(bytes);
        const prefix = findPrefix(buffer.bytes, 1, buffer.size);
        if (prefix > 0) return reply(prefix);
        if (buffer.size <= MAX_NICK_REPLY_BYTES) return [];
        throw new ProtocolError('nick-too-long', `the nick is longer than ${MAX_NICK_REPLY_BYTES} bytes`);
      };

      return chunk$.pipe(
        connect((shared$) =>
          merge(
            shared$.pipe(mergeMap(push)),
            shared$.pipe(
              switchMap(() => (isAnswered ? NEVER : idle$.pipe(take(1)))),
              mergeMap(() => reply(buffer.size)),
              takeUntilComplete(shared$),
            ),
          ),
        ),
      );
    });
