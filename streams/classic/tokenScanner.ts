import { ProtocolError } from '../wire/errors.js';
import { heldBytes } from './heldBytes.js';
import { isWhole, PADDING, type Proof, tokenEnd } from './tokenEnd.js';
import {
  begunMark,
  findMark,
  isCharacter,
  MARK,
  markEndsAt,
  paddingOf,
  SHORTEST_TOKEN,
  TOKEN_LIMIT,
} from './tokenShape.js';

/** What stands in a stream without framing: a token, what has the shape of one and proves to be none, or a text. */
export interface Piece {
  readonly type: 'token' | 'unproven' | 'text';
  readonly bytes: Uint8Array;
}

export interface ScannerOptions {
  /**
   * Whether a token is genuine, by its HMAC. Who has no key leaves it out: its shape alone decides then.
   */
  readonly proves?: Proof | undefined;
  /** The longest token in characters. */
  readonly limit?: number;
}

/** Reads bytes of one stream, in chunks of any size. */
export interface TokenScanner {
  /** The pieces that are known to be whole with these bytes, in their order; copies. */
  push(chunk: Uint8Array): readonly Piece[];
  /** The pieces that are whole if nothing more belongs to them: to be asked when nothing more comes for a while. */
  settle(): readonly Piece[];
  /** What is left, when nothing more can come. */
  end(): readonly Piece[];
  /** Whether `settle` could tell something now. */
  readonly isOpen: boolean;
  /** Why nothing is read any more: a token that is too long. What stood before it was told. */
  readonly failure: ProtocolError | undefined;
}

/** The longest text that waits for its end, in bytes. */
const TEXT_HELD = 4096;

/** A stream where so many marks stand within one run of characters is no stream of tokens. */
const MOST_MARKS = 8;

/** The characters of the shortest token, without its padding. */
const SHORTEST_RUN = SHORTEST_TOKEN - 2;

/**
 * Finds tokens in a stream that has no framing, whatever its chunks are.
 *
 * A token begins with the mark. It ends with its padding; those of every third length have none, and end where the next
 * mark stands, where a byte comes that is no character of base64, or, with a key, where the HMAC holds although a nick
 * follows. When nothing follows, `settle` decides by the length; where more comes after all, the whole is told again, as
 * one token: so nothing is lost by a pause at an unlucky place. It holds one token of at most `limit` bytes and 4 KiB of
 * text, and looks at each byte a bounded number of times.
 */
export const tokenScanner = ({ proves, limit = TOKEN_LIMIT }: ScannerOptions = {}): TokenScanner => {
  const held = heldBytes(limit + TEXT_HELD);
  /** Before it everything was looked at. */
  let at = 0;
  /** Where the token that is being read begins, or -1; what stands before it is text. */
  let begin = -1;
  /** Further marks in the same run of characters. */
  let marks: number[] = [];
  /** The length of a token that `settle` told and that may go on; it stands at the beginning then. */
  let told = 0;
  let pieces: Piece[] = [];
  let failure: ProtocolError | undefined;

  const tell = (type: Piece['type'], from: number, to: number): void => {
    if (to > from) pieces.push({ type, bytes: held.bytes.slice(from, to) });
  };
  const take = (): readonly Piece[] => {
    const taken = pieces;
    pieces = [];
    return taken;
  };

  /** What looked like a token from `begin` on and is none up to `to`, and the text before it. */
  const tellRefuted = (to: number): void => {
    tell('text', 0, begin);
    tell(proves !== undefined && to - begin >= SHORTEST_RUN ? 'unproven' : 'text', begin, to);
  };

  /** Forgets what stands before `to`, and reads on there: for text, or for the token that begins there. */
  const readOn = (to: number, as: 'text' | 'token' = 'text'): void => {
    held.drop(to);
    told = 0;
    begin = as === 'text' ? -1 : 0;
    at = as === 'text' ? 0 : at - to;
    marks = as === 'text' ? [] : marks.filter((mark) => mark > to).map((mark) => mark - to);
  };

  /** A token from `from` to `to`; whatever stands before it is none. */
  const found = (from: number, to: number): void => {
    if (from === begin) tell('text', 0, begin);
    else tellRefuted(from);
    if (to !== told) tell('token', from, to);
    readOn(to);
  };

  /** A mark within the run: what is before it may be a whole token. */
  const meetMark = (mark: number): void => {
    for (const from of [begin, ...marks]) {
      if (paddingOf(mark - from) !== 0 || !isWhole(held, from, mark, proves)) continue;
      found(from, mark);
      return;
    }
    marks.push(mark);
    const [next = mark] = marks;
    if (marks.length <= MOST_MARKS) return;
    tellRefuted(next);
    readOn(next, 'token');
  };

  /** The run of characters is over. Whether reading can go on. */
  const endRun = (): boolean => {
    for (const from of [begin, ...marks]) {
      const to = tokenEnd(held, from, at, proves);
      if (to === 'later') return false;
      if (to === undefined) continue;
      found(from, to);
      return true;
    }
    if (at - begin < SHORTEST_RUN) {
      begin = -1;
      marks = [];
      return true;
    }
    while (at < held.size && held.bytes[at] === PADDING) at += 1;
    tellRefuted(at);
    readOn(at);
    return true;
  };

  const readText = (): void => {
    const mark = findMark(held.bytes, Math.max(0, at - MARK.length + 1), held.size);
    at = held.size;
    if (mark >= 0) {
      begin = mark;
      at = mark + MARK.length;
    } else if (held.size > TEXT_HELD) settleText();
  };

  const settleText = (): void => {
    const sure = held.size - begunMark(held.bytes, held.size);
    tell('text', 0, sure);
    readOn(sure);
  };

  const readRun = (): boolean => {
    while (at < held.size && isCharacter(held.bytes[at] as number)) {
      at += 1;
      if (at - MARK.length > begin && markEndsAt(held.bytes, at)) {
        meetMark(at - MARK.length);
        return true;
      }
      if (at - begin <= limit) continue;
      failure = new ProtocolError('line-too-long', `a token is longer than ${limit} characters`);
      return false;
    }
    return at < held.size && endRun();
  };

  const settleRun = (): void => {
    for (const from of at === held.size ? [begin, ...marks] : []) {
      if (paddingOf(at - from) !== 0 || at - from === told || !isWhole(held, from, at, proves)) continue;
      if (proves !== undefined) {
        found(from, at);
        return;
      }
      if (from > begin) tellRefuted(from);
      else tell('text', 0, begin);
      tell('token', from, at);
      readOn(from, 'token');
      told = at;
      return;
    }
    if (begin === 0) return;
    tell('text', 0, begin);
    readOn(begin, 'token');
  };

  return {
    push: (chunk) => {
      if (failure !== undefined) return [];
      held.append(chunk);
      while (at < held.size) {
        if (begin < 0) readText();
        else if (!readRun()) break;
      }
      return take();
    },
    settle: () => {
      if (begin < 0) settleText();
      else settleRun();
      return take();
    },
    end: () => {
      if (begin >= 0 && at === held.size && told < at) endRun();
      if (told < held.size) {
        if (begin >= 0) tellRefuted(held.size);
        else tell('text', 0, held.size);
      }
      readOn(held.size);
      return take();
    },
    get isOpen() {
      return held.size > told;
    },
    get failure() {
      return failure;
    },
  };
};
