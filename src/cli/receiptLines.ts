import type { Heard, Token } from '../../streams/index.js';
import { stacked, type Visible, visibleJson } from '../terminal/visible.js';

/** The receipts of `send --json`, a line for each message, as they come; docs/json.md describes them. */
export const receiptLines = (room: string): ((heard: Heard) => Visible | undefined) => {
  const numbers = new Map<Token, number>();
  let said = 0;

  return (heard) => {
    if (heard.type === 'said') {
      numbers.set(heard.token, said + 1);
      said += heard.lines.length;
    }
    if (heard.type !== 'stored') return undefined;
    const { token, lines, position = null } = heard;
    const first = numbers.get(token) ?? 0;
    numbers.delete(token);
    return stacked(
      lines.map((_, index) =>
        visibleJson({ v: 1, type: 'stored', room, message: first + index, position, index }),
      ),
    );
  };
};
