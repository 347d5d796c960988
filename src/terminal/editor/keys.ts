import { StringDecoder } from 'node:string_decoder';
import { asyncScheduler, type SchedulerLike, Subscription } from 'rxjs';
import type { CursorReport, Input } from './input.js';
import { readSequence, sequenceEnd } from './sequences.js';

export type { CursorReport, Input } from './input.js';

/** The longest paste, in bytes; what is longer was hardly meant. */
export const PASTE_LIMIT = 1_048_576;

/** How long, in ms, the rest of a sequence may take: an escape alone is the key. */
const SEQUENCE_TIMEOUT = 500;

/** After so many ms without a byte a paste is over, whether its end came or not. */
const PASTE_TIMEOUT = 1500;

/** How long, in ms, more of a paste without marks may take. */
const UNMARKED_TIMEOUT = 25;

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** The longest sequence that is kept, in bytes: the rest of a longer one is dropped as it comes. */
const SEQUENCE_LIMIT = 65_536;

/** Controls but for tabs and line ends, which pastes have too. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const C1 = /[\x80-\x9f]/;

/** Keys of one byte. */
const CONTROLS: Readonly<Record<string, string>> = { '\b': 'Backspace', '\x7f': 'Backspace', '\x1f': 'C-_' };

/** Reads what a terminal sends, in whatever pieces it comes. */
export interface KeyReader {
  readonly read: (bytes: Uint8Array) => void;
  /** Nothing more comes of what was read. */
  readonly close: () => void;
}

interface Paste {
  /** As Latin-1. */
  parts: string[];
  bytes: number;
  /** Its end may begin here. */
  tail: string;
  cut: boolean;
  told: 'nothing' | 'pasting' | 'long';
}

/**
 * Makes keys, text and pastes of what a terminal sends. Escape sequences are taken as wholes (ECMA-48), and those that
 * mean nothing here are dropped. Several lines in one read are a paste, even without marks; a paste whose end does not come
 * is over after a while, or at Ctrl-C.
 */
export const keyReader = (
  take: (input: Input | CursorReport) => void,
  scheduler: SchedulerLike = asyncScheduler,
): KeyReader => {
  const decoder = new StringDecoder('utf8');
  let timer = new Subscription();
  /** A sequence whose end has not come, as Latin-1. */
  let begun = '';
  let paste: Paste | undefined;
  /** A paste without marks, as far as it came. */
  let unmarked: string | undefined;
  /** A paste ended without its end: what comes in numbers is the rest of it. */
  let isOverdue = false;

  const key = (name: string) => {
    take({ type: 'key', name });
  };

  const endUnmarked = () => {
    const text = unmarked;
    unmarked = undefined;
    if (text !== undefined) take({ type: 'paste', text, cut: text.length > PASTE_LIMIT });
  };

  const typed = (run: string) => {
    const lines = run.replaceAll(/\r\n?/g, '\n');
    if (unmarked !== undefined) {
      if (unmarked.length <= PASTE_LIMIT) unmarked += lines;
      return;
    }
    // An Enter and what was typed behind it while this process was busy is none.
    const isPaste = /[^\n]/.test(lines) && /\n./s.test(lines) && !/^\n[^\n]*$/.test(lines);
    if (isPaste || (isOverdue && lines.length > 1)) {
      unmarked = lines;
      return;
    }
    isOverdue = false;
    for (const each of lines) {
      if (each === '\n') key('Enter');
      else if (each === '\t') key('Tab');
      else take({ type: 'text', text: each });
    }
  };

  const known = (sequence: string) => {
    endUnmarked();
    if (sequence === PASTE_START) paste = { parts: [], bytes: 0, tail: '', cut: false, told: 'nothing' };
    else if (sequence === PASTE_END) isOverdue = false;
    else {
      // eslint-disable-next-line no-control-regex
      const [, column] = /^\x1b\[\d+;(\d+)R$/.exec(sequence) ?? [];
      const input =
        column === undefined
          ? readSequence(sequence)
          : { type: 'cursor' as const, column: Number(column) - 1 };
      if (input !== undefined) take(input);
    }
  };

  const control = (byte: string) => {
    endUnmarked();
    isOverdue = false;
    const code = byte.charCodeAt(0);
    const name =
      CONTROLS[byte] ?? (code >= 1 && code <= 26 ? `C-${String.fromCharCode(code + 96)}` : undefined);
    if (name !== undefined) key(name);
  };

  const endPaste = (unfinished: boolean) => {
    if (paste === undefined) return;
    const { parts, tail, cut } = paste;
    const text = Buffer.from(parts.join('') + (unfinished ? tail : ''), 'latin1').toString('utf8');
    paste = undefined;
    isOverdue = unfinished;
    take({ type: 'paste', text, cut, ...(unfinished && { unfinished }) });
  };

  /** Takes what belongs to a paste; returns what comes behind it. */
  const pasted = (into: Paste, bytes: string): string => {
    const all = into.tail + bytes;
    const end = all.indexOf(PASTE_END);
    const until = end === -1 ? Math.max(0, all.length - PASTE_END.length + 1) : end;
    into.bytes += until;
    into.cut ||= into.bytes > PASTE_LIMIT;
    if (into.cut) into.parts = [];
    else into.parts.push(all.slice(0, until));
    into.tail = all.slice(until);
    if (end === -1) return '';
    endPaste(false);
    return all.slice(end + PASTE_END.length);
  };

  /** Takes what is no paste; returns what comes behind the mark of one. */
  const plain = (bytes: string): string => {
    let all = begun + bytes;
    let run = '';
    begun = '';
    const endRun = (isEnd = false) => {
      const text = decoder.write(Buffer.from(run, 'latin1')) + (isEnd ? '' : decoder.end());
      run = '';
      if (text !== '') typed(text);
    };
    for (let at = 0; at < all.length;) {
      const byte = all.charAt(at);
      if (byte === '\xc2' && C1.test(all.charAt(at + 1))) {
        // A control of UTF-8 that is an escape and a character otherwise.
        const letter = String.fromCharCode(all.charCodeAt(at + 1) - 0x40);
        all = `${all.slice(0, at)}\x1b${letter}${all.slice(at + 2)}`;
      } else if (byte === '\xc2' && at === all.length - 1) {
        endRun();
        begun = byte;
        return '';
      } else if (byte === '\x1b') {
        endRun();
        const end = sequenceEnd(all, at);
        if (end === undefined) {
          begun = all.slice(at);
          if (begun.length > SEQUENCE_LIMIT) begun = begun.slice(0, 2);
          return '';
        }
        known(all.slice(at, end));
        if (paste !== undefined) return all.slice(end);
        at = end;
      } else if (CONTROL.test(byte)) {
        endRun();
        control(byte);
        at += 1;
      } else {
        run += byte;
        at += 1;
      }
    }
    endRun(true);
    return '';
  };

  const read = (bytes: string) => {
    if (paste !== undefined && bytes === '\x03') endPaste(true);
    else for (let rest = bytes; rest !== '';) rest = paste === undefined ? plain(rest) : pasted(paste, rest);
  };

  const tellPasting = (of: Paste) => {
    const now = of.cut ? 'long' : 'pasting';
    if (of.told === now) return;
    of.told = now;
    take({ type: 'pasting', long: of.cut });
  };

  const giveUp = () => {
    if (unmarked !== undefined) {
      endUnmarked();
      wait();
      return;
    }
    if (paste !== undefined) endPaste(true);
    const sequence = begun;
    begun = '';
    if (sequence === '\xc2') typed('\ufffd');
    // eslint-disable-next-line no-control-regex
    if (/^\x1b+$/.test(sequence)) for (let n = 0; n < sequence.length; n += 1) key('Escape');
  };

  const wait = () => {
    timer.unsubscribe();
    const ms =
      unmarked !== undefined
        ? UNMARKED_TIMEOUT
        : paste !== undefined
          ? PASTE_TIMEOUT
          : begun !== ''
            ? SEQUENCE_TIMEOUT
            : undefined;
    if (ms === undefined) return;
    timer = scheduler.schedule(() => {
      // What came while this process was busy is read first.
      timer = scheduler.schedule(giveUp, 0);
    }, ms);
  };

  return {
    read: (bytes) => {
      if (bytes.length === 0) return;
      read(Buffer.from(bytes).toString('latin1'));
      if (paste !== undefined) tellPasting(paste);
      wait();
    },
    close: () => {
      timer.unsubscribe();
    },
  };
};
