/** Input from the keyboard. */
export type EditorInput =
  | { readonly type: 'text'; readonly text: string }
  /** Key by its name: `C-a`, `M-b`, `Enter`, `M-Enter`, `Up`, `C-Left`. */
  | { readonly type: 'key'; readonly name: string }
  /** Whole paste. `cut`: it exceeded the maximum length. `unfinished`: its end mark is missing. */
  | {
      readonly type: 'paste';
      readonly text: string;
      readonly cut: boolean;
      readonly unfinished?: true;
    }
  /** Paste in progress. `long`: it exceeds the maximum length. */
  | { readonly type: 'pasting'; readonly long: boolean };

/** Cursor position, as the terminal reports it; the first column is 0. */
export interface CursorReport {
  readonly type: 'cursor';
  readonly column: number;
}

/** Parts of a control sequence (ECMA-48, 5.4): parameter and intermediate bytes. */
const PARAMETER_BYTES = /[\x30-\x3f]*[\x20-\x2f]*/y;
const SS3_PARAMETERS = /[\d;]*/y;

/**
 * Bytes that end a control string (ECMA-48, 5.6), or are invalid in it. The last is the string terminator in
 * UTF-8.
 */
// eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
const END_OF_STRING = /[\x00-\x07\x0e-\x1f]|\xc2\x9c/g;

const matchEnd = (pattern: RegExp, bytes: string, from: number): number => {
  pattern.lastIndex = from;
  pattern.exec(bytes);
  return pattern.lastIndex;
};

/** Whether a byte (as a Latin-1 character) is in a range, bounds included. */
const isInRange = (low: number, high: number, byte: string | undefined): boolean =>
  byte !== undefined && byte.charCodeAt(0) >= low && byte.charCodeAt(0) <= high;

/**
 * Returns the end of an escape sequence, or `undefined` if it is incomplete. The bytes are Latin-1, and the
 * sequence begins at index `at`. A malformed sequence ends before the first invalid byte.
 */
export const sequenceEnd = (bytes: string, at: number): number | undefined => {
  const from = at + 2;
  switch (bytes[at + 1]) {
    case undefined:
      return undefined;
    case '\x1b': {
      // Either Alt and a key that is a sequence itself, or the Escape key alone.
      const next = bytes[from];
      if (next === undefined) return undefined;
      return next === '[' || next === 'O' ? sequenceEnd(bytes, at + 1) : at + 1;
    }
    case '[':
      return controlEnd(bytes, from);
    case 'O':
      return finalEnd(bytes, matchEnd(SS3_PARAMETERS, bytes, from));
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return stringEnd(bytes, from);
    default: {
      const end = at + 1 + characterBytes(bytes.charCodeAt(at + 1));
      return end <= bytes.length ? end : undefined;
    }
  }
};

const controlEnd = (bytes: string, from: number): number | undefined => {
  // The oldest mouse reports, and function keys of the Linux console, continue after their final byte.
  const more = { M: 3, '[': 1 }[bytes[from] ?? ''];
  if (more !== undefined) return bytes.length > from + more ? from + 1 + more : undefined;
  return finalEnd(bytes, matchEnd(PARAMETER_BYTES, bytes, from));
};

const finalEnd = (bytes: string, at: number): number | undefined => {
  if (at === bytes.length) return undefined;
  return isInRange(0x40, 0x7e, bytes[at]) ? at + 1 : at;
};

const stringEnd = (bytes: string, from: number): number | undefined => {
  END_OF_STRING.lastIndex = from;
  const at = END_OF_STRING.exec(bytes)?.index;
  switch (at === undefined ? undefined : bytes[at]) {
    case undefined:
      return undefined;
    case '\x07':
    case '\x18':
    case '\x1a':
      return (at ?? 0) + 1;
    case '\xc2':
      return (at ?? 0) + 2;
    case '\x1b': {
      const next = bytes[(at ?? 0) + 1];
      if (next === undefined) return undefined;
      return next === '\\' ? (at ?? 0) + 2 : at;
    }
    default:
      return at;
  }
};

/** Returns how many bytes a UTF-8 character has, by its first byte. */
const characterBytes = (first: number): number => {
  if (first < 0xc2) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
};

/** Keys by the final byte of their sequence, and by the number before `~`. */
const LETTER_KEYS: Readonly<Record<string, string>> = {
  A: 'Up',
  B: 'Down',
  C: 'Right',
  D: 'Left',
  F: 'End',
  H: 'Home',
  Z: 'S-Tab',
};
const NUMBER_KEYS: Readonly<Record<number, string>> = {
  1: 'Home',
  3: 'Delete',
  4: 'End',
  7: 'Home',
  8: 'End',
};

/** Keys by their code in the keyboard protocol of kitty, including its keypad. */
const CODE_KEYS: Readonly<Record<number, string>> = {
  8: 'Backspace',
  9: 'Tab',
  13: 'Enter',
  27: 'Escape',
  127: 'Backspace',
  57_414: 'Enter',
  57_417: 'Left',
  57_418: 'Right',
  57_419: 'Up',
  57_420: 'Down',
  57_423: 'Home',
  57_424: 'End',
  57_426: 'Delete',
};
const KEYPAD_START = 57_399;
const KEYPAD = '0123456789./*-+';

const SHIFT = 1;
const ALT = 2;
const CTRL = 4;
/** Bits of Super, Hyper and Meta. The higher bits, for locks, are ignored. */
const OTHER_MODIFIERS = 8 | 16 | 32;

const RELEASED = 3;

/** Returns a key with modifiers by its name, such as `C-Left`. */
const keyInput = (name: string, modifiers: number): EditorInput | undefined => {
  if ((modifiers & OTHER_MODIFIERS) !== 0) return undefined;
  const isShifted = (modifiers & SHIFT) !== 0;
  const isAlt = (modifiers & ALT) !== 0;
  const isCtrl = (modifiers & CTRL) !== 0;
  // Enter with any modifier that the terminal reports inserts a newline.
  if (name === 'Enter')
    return isCtrl ? undefined : { type: 'key', name: isShifted || isAlt ? 'M-Enter' : name };
  const shift = isShifted && !['Backspace', 'Escape'].includes(name) ? 'S-' : '';
  return { type: 'key', name: `${isCtrl ? 'C-' : ''}${isAlt ? 'M-' : ''}${shift}${name}` };
};

type Parameter = readonly number[];

const modifiersOf = (field: Parameter | undefined, more: number): number | undefined =>
  field?.[1] === RELEASED ? undefined : (Math.max(field?.[0] ?? 1, 1) - 1) | more;

/** Parses a key by its code: `CSI 13;2u` (kitty), `CSI 27;2;13~` (xterm's modifyOtherKeys). */
const inputFromCode = (
  [code = 0, shifted]: Parameter,
  modifiers: number,
  text: Parameter = [],
): EditorInput | undefined => {
  const named = CODE_KEYS[code];
  if (named !== undefined) return keyInput(named, modifiers);
  const onKeypad = KEYPAD[code - KEYPAD_START];
  const isPrivate =
    (code >= 0xe000 && code <= 0xf8ff) || code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff);
  if (onKeypad === undefined && (isPrivate || code < 0x20 || (code > 0x7e && code < 0xa0))) return undefined;
  const plain = onKeypad ?? String.fromCodePoint(code);
  if ((modifiers & (CTRL | ALT | OTHER_MODIFIERS)) !== 0)
    return keyInput(plain.toLowerCase(), modifiers & ~SHIFT);
  const codes = text.length > 0 ? text : shifted !== undefined && (modifiers & SHIFT) !== 0 ? [shifted] : [];
  const written = codes.every((each) => each >= 0x20 && each <= 0x10_ffff)
    ? String.fromCodePoint(...codes)
    : '';
  return { type: 'text', text: written || ((modifiers & SHIFT) === 0 ? plain : plain.toUpperCase()) };
};

const parseParameters = (parameters: string): readonly Parameter[] =>
  parameters.split(';').map((field) => (field === '' ? [] : field.split(':').map(Number)));

/** Returns the input that an escape sequence means, or `undefined` if it is unknown. */
export const parseSequence = (sequence: string): EditorInput | undefined => {
  // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
  const [, escapes = '', body = ''] = /^(\x1b{1,2})(.*)$/s.exec(sequence) ?? [];
  if (body === '') return { type: 'key', name: 'Escape' };
  const alt = escapes.length === 2 ? ALT : 0;
  const [, introducer, parameters = '', final = ''] = /^([[O])([\d:;]*)([\x40-\x7e])$/.exec(body) ?? [];
  if (introducer === undefined) return body.length === 1 ? altInput(body) : undefined;
  const [first = [], second, third] = parseParameters(parameters);
  const modifiers = modifiersOf(second, alt);
  if (modifiers === undefined) return undefined;
  if (introducer === '[' && final === 'u') return inputFromCode(first, modifiers, third);
  if (introducer === '[' && final === '~' && first[0] === 27) return inputFromCode(third ?? [], modifiers);
  // rxvt marks Shift and Ctrl by the final byte.
  const isLower = /[a-d]/.test(final);
  const name = '~^$@'.includes(final)
    ? NUMBER_KEYS[first[0] ?? 0]
    : LETTER_KEYS[isLower ? final.toUpperCase() : final];
  if (name === undefined) return undefined;
  const rxvt = isLower ? (introducer === 'O' ? CTRL : SHIFT) : { '^': CTRL, '@': CTRL | SHIFT }[final];
  return keyInput(name, modifiers | (rxvt ?? 0));
};

/** Returns the input for Alt and a single-byte key. */
const altInput = (byte: string): EditorInput | undefined => {
  if (byte === '\r' || byte === '\n') return keyInput('Enter', ALT);
  if (byte === '\x7f' || byte === '\b') return keyInput('Backspace', ALT);
  return isInRange(0x20, 0x7e, byte) ? keyInput(byte.toLowerCase(), ALT) : undefined;
};
