import type { Input } from './input.js';

/** The parts of a control sequence (ECMA-48, 5.4): parameter and intermediate bytes. */
const BEFORE_FINAL = /[\x30-\x3f]*[\x20-\x2f]*/y;
const SS3 = /[\d;]*/y;

/** What ends a control string (ECMA-48, 5.6), or cannot be in it; the last is the string terminator in UTF-8. */
// eslint-disable-next-line no-control-regex
const END_OF_STRING = /[\x00-\x07\x0e-\x1f]|\xc2\x9c/g;

const matchEnd = (pattern: RegExp, bytes: string, from: number): number => {
  pattern.lastIndex = from;
  pattern.exec(bytes);
  return pattern.lastIndex;
};

/** Whether a byte (as a character of Latin-1) is from one to another. */
const isFrom = (low: number, high: number, byte: string | undefined): boolean =>
  byte !== undefined && byte.charCodeAt(0) >= low && byte.charCodeAt(0) <= high;

/**
 * Returns where the escape sequence that begins at an index of some bytes (as Latin-1) ends; `undefined` if more bytes have
 * to come first. A sequence that is broken ends before the byte that breaks it.
 */
export const sequenceEnd = (bytes: string, at: number): number | undefined => {
  const from = at + 2;
  switch (bytes[at + 1]) {
    case undefined:
      return undefined;
    case '\x1b': {
      // Alt and a key that is a sequence itself; otherwise the escape key alone.
      const next = bytes[from];
      if (next === undefined) return undefined;
      return next === '[' || next === 'O' ? sequenceEnd(bytes, at + 1) : at + 1;
    }
    case '[':
      return controlEnd(bytes, from);
    case 'O':
      return finalEnd(bytes, matchEnd(SS3, bytes, from));
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
  // A mouse report of the oldest kind, and a function key of the Linux console, go on behind their final byte.
  const more = { M: 3, '[': 1 }[bytes[from] ?? ''];
  if (more !== undefined) return bytes.length > from + more ? from + 1 + more : undefined;
  return finalEnd(bytes, matchEnd(BEFORE_FINAL, bytes, from));
};

const finalEnd = (bytes: string, at: number): number | undefined => {
  if (at === bytes.length) return undefined;
  return isFrom(0x40, 0x7e, bytes[at]) ? at + 1 : at;
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

/** How many bytes a character of UTF-8 has, by its first. */
const characterBytes = (first: number): number => {
  if (first < 0xc2) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
};

/** Keys by the final byte of their sequence, and by the number before `~`. */
const LETTERS: Readonly<Record<string, string>> = {
  A: 'Up',
  B: 'Down',
  C: 'Right',
  D: 'Left',
  F: 'End',
  H: 'Home',
  Z: 'S-Tab',
};
const NUMBERS: Readonly<Record<number, string>> = { 1: 'Home', 3: 'Delete', 4: 'End', 7: 'Home', 8: 'End' };

/** Keys by their code (the keyboard protocol of kitty; its keypad). */
const CODES: Readonly<Record<number, string>> = {
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
const KEYPAD_FROM = 57_399;
const KEYPAD = '0123456789./*-+';

const SHIFT = 1;
const ALT = 2;
const CTRL = 4;
/** Super, Hyper and Meta; the locks above them mean nothing here. */
const OTHERS = 8 | 16 | 32;

const RELEASED = 3;

/** A key with modifiers, by its name: `C-Left`. */
const key = (name: string, modifiers: number): Input | undefined => {
  if ((modifiers & OTHERS) !== 0) return undefined;
  const isShifted = (modifiers & SHIFT) !== 0;
  const isAlt = (modifiers & ALT) !== 0;
  const isCtrl = (modifiers & CTRL) !== 0;
  // Another line, by whichever key the terminal tells from Enter alone.
  if (name === 'Enter')
    return isCtrl ? undefined : { type: 'key', name: isShifted || isAlt ? 'M-Enter' : name };
  const shift = isShifted && !['Backspace', 'Escape'].includes(name) ? 'S-' : '';
  return { type: 'key', name: `${isCtrl ? 'C-' : ''}${isAlt ? 'M-' : ''}${shift}${name}` };
};

type Field = readonly number[];

const modifiersOf = (field: Field | undefined, more: number): number | undefined =>
  field?.[1] === RELEASED ? undefined : (Math.max(field?.[0] ?? 1, 1) - 1) | more;

/** A key by its code: `CSI 13;2u` (kitty), `CSI 27;2;13~` (xterm's modifyOtherKeys). */
const coded = ([code = 0, shifted]: Field, modifiers: number, text: Field = []): Input | undefined => {
  const named = CODES[code];
  if (named !== undefined) return key(named, modifiers);
  const onKeypad = KEYPAD[code - KEYPAD_FROM];
  const isPrivate =
    (code >= 0xe000 && code <= 0xf8ff) || code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff);
  if (onKeypad === undefined && (isPrivate || code < 0x20 || (code > 0x7e && code < 0xa0))) return undefined;
  const plain = onKeypad ?? String.fromCodePoint(code);
  if ((modifiers & (CTRL | ALT | OTHERS)) !== 0) return key(plain.toLowerCase(), modifiers & ~SHIFT);
  const codes = text.length > 0 ? text : shifted !== undefined && (modifiers & SHIFT) !== 0 ? [shifted] : [];
  const written = codes.every((each) => each >= 0x20 && each <= 0x10_ffff)
    ? String.fromCodePoint(...codes)
    : '';
  return { type: 'text', text: written || ((modifiers & SHIFT) === 0 ? plain : plain.toUpperCase()) };
};

const fieldsOf = (parameters: string): readonly Field[] =>
  parameters.split(';').map((field) => (field === '' ? [] : field.split(':').map(Number)));

/** Returns what the whole of an escape sequence means; `undefined`: nothing that this input line knows. */
export const readSequence = (sequence: string): Input | undefined => {
  // eslint-disable-next-line no-control-regex
  const [, escapes = '', body = ''] = /^(\x1b{1,2})(.*)$/s.exec(sequence) ?? [];
  if (body === '') return { type: 'key', name: 'Escape' };
  const alt = escapes.length === 2 ? ALT : 0;
  const [, introducer, parameters = '', final = ''] = /^([[O])([\d:;]*)([\x40-\x7e])$/.exec(body) ?? [];
  if (introducer === undefined) return body.length === 1 ? withAlt(body) : undefined;
  const [first = [], second, third] = fieldsOf(parameters);
  const modifiers = modifiersOf(second, alt);
  if (modifiers === undefined) return undefined;
  if (introducer === '[' && final === 'u') return coded(first, modifiers, third);
  if (introducer === '[' && final === '~' && first[0] === 27) return coded(third ?? [], modifiers);
  // With Shift or Ctrl, as rxvt has it.
  const isLower = /[a-d]/.test(final);
  const name = '~^$@'.includes(final)
    ? NUMBERS[first[0] ?? 0]
    : LETTERS[isLower ? final.toUpperCase() : final];
  if (name === undefined) return undefined;
  const rxvt = isLower ? (introducer === 'O' ? CTRL : SHIFT) : { '^': CTRL, '@': CTRL | SHIFT }[final];
  return key(name, modifiers | (rxvt ?? 0));
};

/** Alt and a key of one byte. */
const withAlt = (byte: string): Input | undefined => {
  if (byte === '\r' || byte === '\n') return key('Enter', ALT);
  if (byte === '\x7f' || byte === '\b') return key('Backspace', ALT);
  return isFrom(0x20, 0x7e, byte) ? key(byte.toLowerCase(), ALT) : undefined;
};
