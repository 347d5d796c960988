import { cells } from '../../src/text/cells.js';

export interface TerminalModelOptions {
  readonly columns: number;
  readonly rows: number;
  /** Whether the terminal rewraps rows when the columns change. Otherwise it cuts them off. */
  readonly reflows: boolean;
}

/** A row of the screen or of the scrollback. An empty cell follows a wide character. */
interface Row {
  cells: string[];
  /** Whether the next row continues this one. */
  isWrapped: boolean;
}

/** A model of the terminal features that the input line uses. */
export interface TerminalModel {
  readonly write: (text: string) => void;
  readonly resize: (columns: number) => void;
  /** Returns all rows from the first one on. Wrapped rows are joined, and trailing blanks removed. */
  readonly text: () => readonly string[];
  /** Returns the cursor's position on the screen. */
  readonly cursor: () => { readonly row: number; readonly column: number };
}

// eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
const SEQUENCES = /(\x1b\[\??\d*[A-Za-z]|\x1b[78]|[\r\n])/;

export const terminalModel = ({
  columns: firstColumns,
  rows: height,
  reflows,
}: TerminalModelOptions): TerminalModel => {
  let columns = firstColumns;
  let all: Row[] = [{ cells: [], isWrapped: false }];
  let y = 0;
  let x = 0;
  let wraps = true;
  let saved = { y: 0, x: 0 };

  const top = () => Math.max(0, all.length - height);
  const rowAt = (at: number): Row => {
    while (all.length <= at) all.push({ cells: [], isWrapped: false });
    return all[at] ?? { cells: [], isWrapped: false };
  };

  const put = (character: string, width: number) => {
    if (x + width > columns) {
      if (wraps) {
        rowAt(y).isWrapped = true;
        y += 1;
        x = 0;
      } else x = columns - width;
    }
    const row = rowAt(y);
    while (row.cells.length < x) row.cells.push(' ');
    row.cells.splice(x, width, character, ...Array.from({ length: width - 1 }, () => ''));
    x += width;
  };

  const control = (sequence: string) => {
    const n = Number(/\d+/.exec(sequence)?.[0] ?? 1);
    switch (sequence.replace(/\d+(?=[A-Z])/, '')) {
      case '\r':
        x = 0;
        break;
      case '\n':
        rowAt(y).isWrapped = false;
        y += 1;
        x = 0;
        rowAt(y);
        break;
      case '\x1b[A':
        y = Math.max(top(), y - n);
        break;
      case '\x1b[B':
        y = Math.min(top() + height - 1, y + n);
        rowAt(y);
        break;
      case '\x1b[K':
        rowAt(y).cells.length = Math.min(rowAt(y).cells.length, x);
        rowAt(y).isWrapped = false;
        break;
      case '\x1b[J':
        rowAt(y).cells.length = Math.min(rowAt(y).cells.length, x);
        rowAt(y).isWrapped = false;
        // The screen keeps its rows: clearing makes them blank and does not remove them.
        for (const row of all.slice(y + 1)) Object.assign(row, { cells: [], isWrapped: false });
        break;
      case '\x1b7':
        saved = { y, x };
        break;
      case '\x1b8':
        ({ y, x } = saved);
        break;
      case '\x1b[?7l':
        wraps = false;
        break;
      case '\x1b[?7h':
        wraps = true;
        break;
      default:
        throw new Error(`no terminal of this model knows ${JSON.stringify(sequence)}`);
    }
  };

  /** Rewraps rows that belong together for other columns. Also moves the cursor, if it is in them. */
  const wrapped = (line: readonly string[], at: number | undefined) => {
    const rows: Row[] = [{ cells: [], isWrapped: false }];
    let cursor: { y: number; x: number } | undefined;
    line.forEach((cell, index) => {
      if (cell === '') return;
      const width = line[index + 1] === '' ? 2 : 1;
      let last = rows.at(-1) ?? { cells: [], isWrapped: false };
      if (last.cells.length + width > columns) {
        last.isWrapped = true;
        last = { cells: [], isWrapped: false };
        rows.push(last);
      }
      if (index === at) cursor = { y: rows.length - 1, x: last.cells.length };
      last.cells.push(cell, ...Array.from({ length: width - 1 }, () => ''));
    });
    const { length } = rows.at(-1)?.cells ?? [];
    return { rows, cursor: cursor ?? { y: rows.length - 1, x: Math.min(length, columns) } };
  };

  const reflow = () => {
    const next: Row[] = [];
    let place = { y, x };
    for (let at = 0; at < all.length;) {
      let end = at;
      while (all[end]?.isWrapped === true && end < all.length - 1) end += 1;
      const line = all.slice(at, end + 1);
      const before = line.slice(0, y - at).reduce((sum, row) => sum + row.cells.length, 0);
      const isHere = y >= at && y <= end;
      const { rows, cursor } = wrapped(
        line.flatMap((row) => row.cells),
        isHere ? before + x : undefined,
      );
      if (isHere) place = { y: next.length + cursor.y, x: cursor.x };
      next.push(...rows);
      at = end + 1;
    }
    all = next;
    ({ y, x } = place);
  };

  return {
    write: (text) => {
      for (const [at, part] of text.split(SEQUENCES).entries()) {
        if (at % 2 === 1) control(part);
        else for (const cell of cells(part)) if (cell.width > 0) put(cell.text, cell.width);
      }
    },
    resize: (now) => {
      columns = now;
      // Blank rows below the cursor do not push other rows off the screen.
      while (all.length - 1 > y && all.at(-1)?.cells.length === 0) all.pop();
      if (reflows) reflow();
      else x = Math.min(x, columns - 1);
    },
    text: () => {
      const lines: string[] = [];
      let isRest = false;
      for (const row of all) {
        const text = (reflows ? row.cells : row.cells.slice(0, columns)).join('');
        if (isRest) lines.push((lines.pop() ?? '') + text);
        else lines.push(text);
        isRest = row.isWrapped;
      }
      return lines
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd()
        .split('\n');
    },
    cursor: () => ({ row: y - top(), column: Math.min(x, columns - 1) }),
  };
};
