import { cells } from '../../src/terminal/cells.js';

export interface TerminalModelOptions {
  readonly columns: number;
  readonly rows: number;
  /** Whether rows are wrapped again when the columns change; otherwise they are cut off. */
  readonly reflows: boolean;
}

/** A row of the screen, or of what has gone off its top: a wide character is followed by an empty cell. */
interface Row {
  cells: string[];
  /** The next row is the rest of this one. */
  goesOn: boolean;
}

/** As much of a terminal as the input line is drawn with. */
export interface TerminalModel {
  readonly write: (text: string) => void;
  readonly resize: (columns: number) => void;
  /** All rows from the first one on, what has wrapped as one, without blanks at the ends. */
  readonly text: () => readonly string[];
  /** Where the cursor is on the screen. */
  readonly cursor: () => { readonly row: number; readonly column: number };
}

// eslint-disable-next-line no-control-regex
const PARTS = /(\x1b\[\??\d*[A-Za-z]|\x1b[78]|[\r\n])/;

export const terminalModel = ({
  columns: firstColumns,
  rows: height,
  reflows,
}: TerminalModelOptions): TerminalModel => {
  let columns = firstColumns;
  let all: Row[] = [{ cells: [], goesOn: false }];
  let y = 0;
  let x = 0;
  let wraps = true;
  let saved = { y: 0, x: 0 };

  const top = () => Math.max(0, all.length - height);
  const rowAt = (at: number): Row => {
    while (all.length <= at) all.push({ cells: [], goesOn: false });
    return all[at] ?? { cells: [], goesOn: false };
  };

  const put = (character: string, width: number) => {
    if (x + width > columns) {
      if (wraps) {
        rowAt(y).goesOn = true;
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
        rowAt(y).goesOn = false;
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
        rowAt(y).goesOn = false;
        break;
      case '\x1b[J':
        rowAt(y).cells.length = Math.min(rowAt(y).cells.length, x);
        rowAt(y).goesOn = false;
        // The screen keeps its place: what is cleared is blank, and not gone.
        for (const row of all.slice(y + 1)) Object.assign(row, { cells: [], goesOn: false });
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

  /** Rows that belong together, wrapped for other columns, and where in them the cursor is, if it is in them. */
  const wrapped = (line: readonly string[], at: number | undefined) => {
    const rows: Row[] = [{ cells: [], goesOn: false }];
    let cursor: { y: number; x: number } | undefined;
    line.forEach((cell, index) => {
      if (cell === '') return;
      const width = line[index + 1] === '' ? 2 : 1;
      let last = rows.at(-1) ?? { cells: [], goesOn: false };
      if (last.cells.length + width > columns) {
        last.goesOn = true;
        last = { cells: [], goesOn: false };
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
      while (all[end]?.goesOn === true && end < all.length - 1) end += 1;
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
      for (const [at, part] of text.split(PARTS).entries()) {
        if (at % 2 === 1) control(part);
        else for (const cell of cells(part)) if (cell.width > 0) put(cell.text, cell.width);
      }
    },
    resize: (now) => {
      columns = now;
      // Blanks below the cursor are no rows that push others off the screen.
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
        isRest = row.goesOn;
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
