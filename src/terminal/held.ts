import { counted } from './counted.js';
import { joined, shown, type Visible, visibleLines } from './visible.js';

/** The most, in UTF-16 code units, that waits while another program has the terminal. */
const MOST = 1_048_576;

const NEWLINE = visibleLines('\n');

/** Lines that are printed later; of more than 1 MiB the oldest are left out, and it is said how many. */
export interface Held {
  readonly add: (text: Visible) => void;
  /** All of it, with a newline behind each; from then on nothing. */
  readonly taken: () => Visible;
}

export const held = (most: number = MOST): Held => {
  let texts: Visible[] = [];
  let size = 0;
  let dropped = 0;
  return {
    add: (text) => {
      texts.push(text);
      size += text.length;
      while (size > most && texts.length > 1) {
        size -= texts.shift()?.length ?? 0;
        dropped += 1;
      }
    },
    taken: () => {
      const said =
        dropped === 0
          ? texts
          : [shown`-- ${counted(dropped, 'line')} came that there was no room for`, ...texts];
      [texts, size, dropped] = [[], 0, 0];
      return joined(...said.flatMap((each) => [each, NEWLINE]));
    },
  };
};
