/** What comes from the keyboard. */
export type Input =
  | { readonly type: 'text'; readonly text: string }
  /** A key by its name: `C-a`, `M-b`, `Enter`, `M-Enter`, `Up`, `C-Left`. */
  | { readonly type: 'key'; readonly name: string }
  /** What was pasted, as a whole; `cut`: it was longer than is taken. */
  | { readonly type: 'paste'; readonly text: string; readonly cut: boolean };

/** What `readline.emitKeypressEvents` says of a key. */
export interface Keypress {
  readonly sequence?: string | undefined;
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

/** The longest paste, in UTF-16 code units; what is longer was hardly meant. */
export const PASTE_LIMIT = 1_048_576;

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

const NAMES: Readonly<Record<string, string>> = {
  return: 'Enter',
  enter: 'Enter',
  backspace: 'Backspace',
  delete: 'Delete',
  escape: 'Escape',
  tab: 'Tab',
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  home: 'Home',
  end: 'End',
};

/** Sequences that have no name there. */
const SEQUENCES: Readonly<Record<string, string>> = {
  '\x1f': 'C-_',
  // Shift-Enter, of terminals that tell it apart.
  '\x1b[13;2u': 'M-Enter',
  '\x1b[13;3u': 'M-Enter',
  '\x1b<': 'M-<',
  '\x1b>': 'M->',
};

/** Makes of key presses what they mean; a paste is gathered until it has ended. */
export const inputs = (): ((text: string | undefined, key: Keypress) => Input | undefined) => {
  let pasted: string | undefined;
  /** Its end, apart: to look at the whole after each character would take as long as its square. */
  let tail = '';
  let cut = false;
  return (text, key) => {
    const sequence = key.sequence ?? text ?? '';
    if (pasted === undefined) {
      if (sequence !== PASTE_START) return inputOf(text, key, sequence);
      [pasted, tail, cut] = ['', '', false];
      return undefined;
    }
    pasted += sequence;
    tail = (tail + sequence).slice(-PASTE_END.length);
    if (tail === PASTE_END) {
      const whole = pasted.slice(0, -PASTE_END.length);
      pasted = undefined;
      return { type: 'paste', text: whole, cut };
    }
    if (pasted.length > PASTE_LIMIT + PASTE_END.length) {
      // Its end is waited for: what follows must not be taken for keys.
      pasted = tail;
      cut = true;
    }
    return undefined;
  };
};

const inputOf = (text: string | undefined, key: Keypress, sequence: string): Input | undefined => {
  const known = SEQUENCES[sequence];
  if (known !== undefined) return { type: 'key', name: known };
  const name = NAMES[key.name ?? ''] ?? key.name ?? '';
  const isNamed = name !== key.name && name !== '';
  if (isNamed || key.ctrl === true || key.meta === true) {
    // Text with a modifier that no key is bound to does nothing.
    if (name === '' || name === 'undefined') return undefined;
    // The escape key alone comes with one that was not pressed.
    const meta = key.meta === true && name !== 'Escape' ? 'M-' : '';
    const shift = key.shift === true && isNamed ? 'S-' : '';
    return { type: 'key', name: `${key.ctrl === true ? 'C-' : ''}${meta}${shift}${name}` };
  }
  // eslint-disable-next-line no-control-regex
  return text === undefined || /[\x00-\x1f\x7f]/.test(text) ? undefined : { type: 'text', text };
};
