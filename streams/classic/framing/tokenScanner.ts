import { isBase64urlByte } from '../../wire/encoding.js';
import { MIN_TOKEN_LENGTH } from '../../wire/entry.js';
import { ProtocolError } from '../../wire/errors.js';
import {
  type Authenticator,
  byteBuffer,
  findPrefix,
  findTokenEnd,
  isToken,
  MAX_TOKEN_LENGTH,
  PADDING_BYTE,
  paddingFor,
  partialPrefixLength,
  prefixEndsAt,
  TOKEN_PREFIX,
} from './tokenShape.js';

/** A part of the stream: a token, bytes in the shape of a token that fail authentication, or a text. */
export interface Frame {
  readonly type: 'token' | 'unauthenticated' | 'text';
  readonly bytes: Uint8Array;
}

export interface ScannerOptions {
  /** Checks the HMAC of a token. Without it, as on a server without the key, the shape alone decides. */
  readonly isAuthentic?: Authenticator | undefined;
  /** The maximum length of a token in characters. */
  readonly maxTokenLength?: number;
}

/** Scans the chunks of a stream, of any size. */
export interface TokenScanner {
  /** Adds bytes. Returns copies of the frames that are complete, in order. */
  push(chunk: Uint8Array): readonly Frame[];
  /** Returns the frames that are complete unless more bytes follow. To be called after a pause. */
  flush(): readonly Frame[];
  /** Returns the remaining frames at the end of the stream. */
  end(): readonly Frame[];
  /** Whether `flush` may return a frame. */
  readonly hasPending: boolean;
  /** Present after a token that is too long. Nothing is read after it. */
  readonly error: ProtocolError | undefined;
}

/** The maximum size of a text that is buffered until its end, in bytes. */
const MAX_PENDING_TEXT_BYTES = 4096;

/** The maximum number of prefixes in a run of characters. A run with more is not made of tokens. */
const MAX_PREFIXES_PER_RUN = 8;

/** The length of the shortest token without its padding. */
const MIN_RUN_LENGTH = MIN_TOKEN_LENGTH - 2;

/**
 * Finds tokens in a stream without framing, for any division into chunks.
 *
 * A token begins with its prefix and ends with its padding. Every third length has no padding. Such a token ends at the
 * next prefix or at a byte that is not base64. With a key it also ends where the HMAC is valid although a nick follows.
 *
 * After a pause, `flush` decides by the length. If more bytes follow after all, the whole token is returned again, so a
 * pause never loses a token. The scanner buffers one token and 4 KiB of text, and visits each byte a bounded number of
 * times.
 */
export const tokenScanner = ({
  isAuthentic,
  maxTokenLength = MAX_TOKEN_LENGTH,
}: ScannerOptions = {}): TokenScanner => {
  const buffer = byteBuffer(maxTokenLength + MAX_PENDING_TEXT_BYTES);
  /** The bytes before it are scanned. */
  let position = 0;
  /** The index of the token that is being read, or -1. The bytes before it are text. */
  let tokenStart = -1;
  /** The indices of further prefixes in the same run of characters. */
  let prefixes: number[] = [];
  /** The length of a token at index 0 that `flush` returned and that may continue. */
  let emittedLength = 0;
  let frames: Frame[] = [];
  let error: ProtocolError | undefined;

  const emit = (type: Frame['type'], from: number, to: number): void => {
    if (to > from) frames.push({ type, bytes: buffer.bytes.slice(from, to) });
  };
  const takeFrames = (): readonly Frame[] => {
    const ready = frames;
    frames = [];
    return ready;
  };

  /** Emits the text before `tokenStart`, and the bytes up to `to` that are not a token after all. */
  const emitRejected = (to: number): void => {
    emit('text', 0, tokenStart);
    emit(
      isAuthentic !== undefined && to - tokenStart >= MIN_RUN_LENGTH ? 'unauthenticated' : 'text',
      tokenStart,
      to,
    );
  };

  /** Drops the bytes before `to`, and continues there with text or with the token that begins there. */
  const continueAt = (to: number, as: 'text' | 'token' = 'text'): void => {
    buffer.drop(to);
    emittedLength = 0;
    tokenStart = as === 'text' ? -1 : 0;
    position = as === 'text' ? 0 : position - to;
    prefixes = as === 'text' ? [] : prefixes.filter((prefix) => prefix > to).map((prefix) => prefix - to);
  };

  /** Emits the token from `from` to `to`. The bytes before it are not a token. */
  const emitToken = (from: number, to: number): void => {
    if (from === tokenStart) emit('text', 0, tokenStart);
    else emitRejected(from);
    if (to !== emittedLength) emit('token', from, to);
    continueAt(to);
  };

  /** Handles a prefix within a run. The bytes before it may be a complete token. */
  const onPrefix = (prefix: number): void => {
    for (const from of [tokenStart, ...prefixes]) {
      if (paddingFor(prefix - from) !== 0 || !isToken(buffer, from, prefix, isAuthentic)) continue;
      emitToken(from, prefix);
      return;
    }
    prefixes.push(prefix);
    const [next = prefix] = prefixes;
    if (prefixes.length <= MAX_PREFIXES_PER_RUN) return;
    emitRejected(next);
    continueAt(next, 'token');
  };

  /** Handles the end of a run. Returns whether scanning can continue. */
  const endRun = (): boolean => {
    for (const from of [tokenStart, ...prefixes]) {
      const to = findTokenEnd(buffer, from, position, isAuthentic);
      if (to === 'undecided') return false;
      if (to === undefined) continue;
      emitToken(from, to);
      return true;
    }
    if (position - tokenStart < MIN_RUN_LENGTH) {
      tokenStart = -1;
      prefixes = [];
      return true;
    }
    while (position < buffer.size && buffer.bytes[position] === PADDING_BYTE) position += 1;
    emitRejected(position);
    continueAt(position);
    return true;
  };

  const scanText = (): void => {
    const prefix = findPrefix(buffer.bytes, Math.max(0, position - TOKEN_PREFIX.length + 1), buffer.size);
    position = buffer.size;
    if (prefix >= 0) {
      tokenStart = prefix;
      position = prefix + TOKEN_PREFIX.length;
    } else if (buffer.size > MAX_PENDING_TEXT_BYTES) flushText();
  };

  const flushText = (): void => {
    const certain = buffer.size - partialPrefixLength(buffer.bytes, buffer.size);
    emit('text', 0, certain);
    continueAt(certain);
  };

  const scanRun = (): boolean => {
    while (position < buffer.size && isBase64urlByte(buffer.bytes[position] as number)) {
      position += 1;
      if (position - TOKEN_PREFIX.length > tokenStart && prefixEndsAt(buffer.bytes, position)) {
        onPrefix(position - TOKEN_PREFIX.length);
        return true;
      }
      if (position - tokenStart <= maxTokenLength) continue;
      error = new ProtocolError('line-too-long', `a token is longer than ${maxTokenLength} characters`);
      return false;
    }
    return position < buffer.size && endRun();
  };

  const flushRun = (): void => {
    for (const from of position === buffer.size ? [tokenStart, ...prefixes] : []) {
      if (
        paddingFor(position - from) !== 0 ||
        position - from === emittedLength ||
        !isToken(buffer, from, position, isAuthentic)
      )
        continue;
      if (isAuthentic !== undefined) {
        emitToken(from, position);
        return;
      }
      if (from > tokenStart) emitRejected(from);
      else emit('text', 0, tokenStart);
      emit('token', from, position);
      continueAt(from, 'token');
      emittedLength = position;
      return;
    }
    if (tokenStart === 0) return;
    emit('text', 0, tokenStart);
    continueAt(tokenStart, 'token');
  };

  return {
    push: (chunk) => {
      if (error !== undefined) return [];
      buffer.append(chunk);
      while (position < buffer.size) {
        if (tokenStart < 0) scanText();
        else if (!scanRun()) break;
      }
      return takeFrames();
    },
    flush: () => {
      if (tokenStart < 0) flushText();
      else flushRun();
      return takeFrames();
    },
    end: () => {
      if (tokenStart >= 0 && position === buffer.size && emittedLength < position) endRun();
      if (emittedLength < buffer.size) {
        if (tokenStart >= 0) emitRejected(buffer.size);
        else emit('text', 0, buffer.size);
      }
      continueAt(buffer.size);
      return takeFrames();
    },
    get hasPending() {
      return buffer.size > emittedLength;
    },
    get error() {
      return error;
    },
  };
};
