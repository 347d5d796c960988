import { StringDecoder } from 'node:string_decoder';
import { asyncScheduler, type SchedulerLike, Subscription } from 'rxjs';
import { type CursorReport, type EditorInput, parseSequence, sequenceEnd } from './sequences.js';

export type { CursorReport, EditorInput } from './sequences.js';

/** Maximum size of a paste in bytes. A longer paste is probably unintended. */
const PASTE_LIMIT = 1_048_576;

/** Timeout, in ms, for the rest of an escape sequence. After it, a lone escape is the Escape key. */
const SEQUENCE_TIMEOUT_MS = 500;

/** Timeout, in ms, without input after which a paste ends, even without its end mark. */
const PASTE_TIMEOUT_MS = 1500;

/** Timeout, in ms, for more of a paste without marks. */
const UNMARKED_TIMEOUT_MS = 25;

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** Maximum size of a buffered sequence in bytes. The rest of a longer sequence is dropped. */
const SEQUENCE_LIMIT = 65_536;

/** Control characters other than tabs and line ends, which pastes contain, too. */
// eslint-disable-next-line no-control-regex -- the pattern matches control characters
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const C1 = /[\x80-\x9f]/;

/** Names of single-byte keys. */
const CONTROL_KEYS: Readonly<Record<string, string>> = {
  '\b': 'Backspace',
  '\x7f': 'Backspace',
  '\x1f': 'C-_',
};

/** Reads the input of a terminal, split at any byte. */
interface KeyReader {
  readonly read: (bytes: Uint8Array) => void;
  /** Cancels all pending input and timers. */
  readonly close: () => void;
}

interface PendingPaste {
  /** Bytes so far, as Latin-1. */
  parts: string[];
  bytes: number;
  /** Last bytes, which may be the beginning of the end mark. */
  tail: string;
  isTooLong: boolean;
  reported: 'nothing' | 'pasting' | 'long';
}

/**
 * Parses terminal input into keys, text and pastes. Escape sequences are parsed whole (ECMA-48); unknown ones
 * are dropped. Several lines in a read are a paste, even without marks. A paste without its end mark ends
 * after a timeout or at Ctrl-C.
 *
 * This is a single file because all functions share the state of the input that is still incomplete.
 */
export const keyReader = (
  emit: (input: EditorInput | CursorReport) => void,
  scheduler: SchedulerLike = asyncScheduler,
): KeyReader => {
  const decoder = new StringDecoder('utf8');
  let timer = new Subscription();
  /** Incomplete escape sequence, as Latin-1. */
  let pendingSequence = '';
  let paste: PendingPaste | undefined;
  /** Text so far of a paste without marks. */
  let unmarkedPaste: string | undefined;
  /** Whether a paste ended without its end mark. Several characters in a read are then the rest of it. */
  let isOverdue = false;

  const emitKey = (name: string) => {
    emit({ type: 'key', name });
  };

  const endUnmarked = () => {
    const text = unmarkedPaste;
    unmarkedPaste = undefined;
    if (text !== undefined) emit({ type: 'paste', text, cut: text.length > PASTE_LIMIT });
  };

  const handleText = (run: string) => {
    const lines = run.replaceAll(/\r\n?/g, '\n');
    if (unmarkedPaste !== undefined) {
      if (unmarkedPaste.length <= PASTE_LIMIT) unmarkedPaste += lines;
      return;
    }
    // Enter, with text typed after it while this process was busy, is not a paste.
    const isPaste = /[^\n]/.test(lines) && /\n./s.test(lines) && !/^\n[^\n]*$/.test(lines);
    if (isPaste || (isOverdue && lines.length > 1)) {
      unmarkedPaste = lines;
      return;
    }
    isOverdue = false;
    for (const each of lines) {
      if (each === '\n') emitKey('Enter');
      else if (each === '\t') emitKey('Tab');
      else emit({ type: 'text', text: each });
    }
  };

  const handleSequence = (sequence: string) => {
    endUnmarked();
    if (sequence === PASTE_START)
      paste = { parts: [], bytes: 0, tail: '', isTooLong: false, reported: 'nothing' };
    else if (sequence === PASTE_END) isOverdue = false;
    else {
      // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
      const [, column] = /^\x1b\[\d+;(\d+)R$/.exec(sequence) ?? [];
      const input =
        column === undefined
          ? parseSequence(sequence)
          : { type: 'cursor' as const, column: Number(column) - 1 };
      if (input !== undefined) emit(input);
    }
  };

  const handleControl = (byte: string) => {
    endUnmarked();
    isOverdue = false;
    const code = byte.charCodeAt(0);
    const name =
      CONTROL_KEYS[byte] ?? (code >= 1 && code <= 26 ? `C-${String.fromCharCode(code + 96)}` : undefined);
    if (name !== undefined) emitKey(name);
  };

  const endPaste = (unfinished: boolean) => {
    if (paste === undefined) return;
    const { parts, tail, isTooLong } = paste;
    const text = Buffer.from(parts.join('') + (unfinished ? tail : ''), 'latin1').toString('utf8');
    paste = undefined;
    isOverdue = unfinished;
    emit({ type: 'paste', text, cut: isTooLong, ...(unfinished && { unfinished }) });
  };

  /** Adds bytes to a paste and returns those after its end. */
  const continuePaste = (target: PendingPaste, bytes: string): string => {
    const all = target.tail + bytes;
    const end = all.indexOf(PASTE_END);
    const until = end === -1 ? Math.max(0, all.length - PASTE_END.length + 1) : end;
    target.bytes += until;
    target.isTooLong ||= target.bytes > PASTE_LIMIT;
    if (target.isTooLong) target.parts = [];
    else target.parts.push(all.slice(0, until));
    target.tail = all.slice(until);
    if (end === -1) return '';
    endPaste(false);
    return all.slice(end + PASTE_END.length);
  };

  /** Handles bytes outside a paste and returns those after a start mark. */
  const handleBytes = (bytes: string): string => {
    let all = pendingSequence + bytes;
    let run = '';
    pendingSequence = '';
    const endRun = (isEnd = false) => {
      const text = decoder.write(Buffer.from(run, 'latin1')) + (isEnd ? '' : decoder.end());
      run = '';
      if (text !== '') handleText(text);
    };
    for (let at = 0; at < all.length;) {
      const byte = all.charAt(at);
      if (byte === '\xc2' && C1.test(all.charAt(at + 1))) {
        // An 8-bit control in UTF-8, equivalent to an escape and a character.
        const letter = String.fromCharCode(all.charCodeAt(at + 1) - 0x40);
        all = `${all.slice(0, at)}\x1b${letter}${all.slice(at + 2)}`;
      } else if (byte === '\xc2' && at === all.length - 1) {
        endRun();
        pendingSequence = byte;
        return '';
      } else if (byte === '\x1b') {
        endRun();
        const end = sequenceEnd(all, at);
        if (end === undefined) {
          pendingSequence = all.slice(at);
          if (pendingSequence.length > SEQUENCE_LIMIT) pendingSequence = pendingSequence.slice(0, 2);
          return '';
        }
        handleSequence(all.slice(at, end));
        if (paste !== undefined) return all.slice(end);
        at = end;
      } else if (CONTROL.test(byte)) {
        endRun();
        handleControl(byte);
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
    else
      for (let rest = bytes; rest !== '';)
        rest = paste === undefined ? handleBytes(rest) : continuePaste(paste, rest);
  };

  const reportPasting = (pendingPaste: PendingPaste) => {
    const now = pendingPaste.isTooLong ? 'long' : 'pasting';
    if (pendingPaste.reported === now) return;
    pendingPaste.reported = now;
    emit({ type: 'pasting', long: pendingPaste.isTooLong });
  };

  const onTimeout = () => {
    if (unmarkedPaste !== undefined) {
      endUnmarked();
      startTimeout();
      return;
    }
    if (paste !== undefined) endPaste(true);
    const sequence = pendingSequence;
    pendingSequence = '';
    if (sequence === '\xc2') handleText('\ufffd');
    // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
    if (/^\x1b+$/.test(sequence)) for (let n = 0; n < sequence.length; n += 1) emitKey('Escape');
  };

  const startTimeout = () => {
    timer.unsubscribe();
    const ms =
      unmarkedPaste !== undefined
        ? UNMARKED_TIMEOUT_MS
        : paste !== undefined
          ? PASTE_TIMEOUT_MS
          : pendingSequence !== ''
            ? SEQUENCE_TIMEOUT_MS
            : undefined;
    if (ms === undefined) return;
    timer = scheduler.schedule(() => {
      // Input that arrived while this process was busy is read first.
      timer = scheduler.schedule(onTimeout, 0);
    }, ms);
  };

  return {
    read: (bytes) => {
      if (bytes.length === 0) return;
      read(Buffer.from(bytes).toString('latin1'));
      if (paste !== undefined) reportPasting(paste);
      startTimeout();
    },
    close: () => {
      timer.unsubscribe();
    },
  };
};
