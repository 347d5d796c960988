import { cells, TAB_COLUMNS, width, wrap } from '../cells.js';
import { counted } from '../counted.js';
import { joined, reshaped, shown, type Visible, visibleGraphemes } from '../visible.js';
import { type Draft, draftOf } from './draft.js';
import type { Question } from './paste.js';
import { behindMatch } from './search.js';
import type { Editor, Notice } from './state.js';

/** What stands under the conversation, and is drawn anew when it changes. */
export interface Foot {
  /** Lines that are not in the scrollback yet: pending and failed ones, the state of the connection. */
  readonly above: readonly Visible[];
  /** What stands before the draft, in its first row. */
  readonly prompt: Visible;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Rows as they are drawn, none wider than the terminal, and where in them the cursor is. */
export interface View {
  readonly rows: readonly Visible[];
  readonly cursor: { readonly row: number; readonly column: number };
}

/** Before each line of a draft but the first. */
const CONTINUED = shown`> `;

const NOTICES: Readonly<Record<Notice, Visible>> = {
  leave: shown`-- press Ctrl-C again to leave`,
  pasting: shown`-- pasting \u2026`,
  'pasting-long': shown`-- pasting \u2026 it is longer than 1 MiB and will not be taken`,
  'paste-cut': shown`-- nothing was pasted: it is longer than 1 MiB`,
  'paste-waits': shown`-- this was not pasted: answer first`,
  full: shown`-- there is no room for more in one message`,
  'not-utf8': shown`-- your terminal sends another encoding than UTF-8; set it, or the locale, to UTF-8`,
};

/** The foot, what the input line has to tell, and the draft; where that is too much, the rows round the cursor. */
export const viewOf = (foot: Foot, editor: Editor, size: Size): View => {
  const columns = Math.max(size.columns, 2);
  const told = [
    ...(editor.question === undefined ? [] : asked(editor.question, columns)),
    ...(editor.notice === undefined ? [] : rowsOf(NOTICES[editor.notice], columns)),
  ];
  const { prompt, draft } = beingWritten(foot.prompt, editor);
  const written = draftRows(prompt, draft, columns);

  // One row stays for the conversation.
  const room = Math.max(size.rows - 1, 1);
  const above = foot.above.flatMap((line) => rowsOf(line, columns));
  const height = Math.min(
    written.rows.length,
    Math.max(room - told.length - Math.min(above.length, room >> 2), 1),
  );
  const first = Math.min(Math.max(written.cursor.row - (height >> 1), 0), written.rows.length - height);
  const over = [
    ...newest(above, Math.max(room - told.length - height, 0), columns),
    ...told.slice(0, Math.max(room - height, 0)),
  ];
  return {
    rows: [...over, ...written.rows.slice(first, first + height)],
    cursor: { row: over.length + written.cursor.row - first, column: written.cursor.column },
  };
};

/** What of the foot is left when there is no draft any more; what comes next comes below it. */
export const aboveOf = ({ above }: Foot, { columns }: Size): View => {
  const rows = above.flatMap((line) => rowsOf(line, Math.max(columns, 2)));
  return { rows: [...rows, shown``], cursor: { row: rows.length, column: 0 } };
};

const rowsOf = (line: Visible, columns: number): readonly Visible[] => {
  const rows: Visible[] = [];
  for (const row of wrap(line, columns, 3).split('\n')) rows.push(reshaped(line, () => row));
  return rows;
};

/** As many of the newest as there is room for, and that there are others. */
const newest = (rows: readonly Visible[], room: number, columns: number): readonly Visible[] => {
  if (rows.length <= room) return rows;
  if (room === 0) return [];
  const more = shown`-- ${counted(rows.length - room + 1, 'more row')}`;
  return [...rowsOf(more, columns).slice(0, 1), ...rows.slice(rows.length - room + 1)];
};

const asked = (
  { lines, pasted, messages, fits, unfinished }: Question,
  columns: number,
): readonly Visible[] => {
  const what = lines === 1 ? counted(pasted.length, 'character') : counted(lines, 'line');
  const choices = [
    fits ? shown`[1] one block` : undefined,
    messages.length > 1 ? shown`[2] ${counted(messages.length, 'message')}` : undefined,
    fits ? shown`[3] edit` : undefined,
    shown`[4] cancel`,
  ].filter((each) => each !== undefined);
  const end = unfinished ? shown`, without its end` : shown``;
  const rows = rowsOf(shown`-- ${what} pasted${end}, nothing was sent:`, columns);
  // A choice is broken only if it is wider than the terminal.
  return choices.reduce<readonly Visible[]>((before, choice, at) => {
    const last = before.at(-1) ?? shown``;
    const longer = joined(last, at === 0 ? shown` ` : shown`  `, choice);
    if (width(longer) <= columns) return [...before.slice(0, -1), longer];
    return [...before, ...rowsOf(joined(shown`   `, choice), columns)];
  }, rows);
};

/** What stands in the place of the draft. */
const beingWritten = (
  prompt: Visible,
  { draft, search, past }: Editor,
): { prompt: Visible; draft: Draft } => {
  if (search === undefined) return { prompt, draft };
  const entry = search.at === undefined ? '' : (past.entries[search.at] ?? '');
  return {
    prompt: shown`(${search.failed ? 'not found' : 'search'} '${search.query}'): `,
    draft: draftOf(entry, behindMatch(entry, search.query)),
  };
};

const spaces = (count: number): Visible => reshaped(shown``, () => ' '.repeat(count));

const draftRows = (prompt: Visible, { text, cursor }: Draft, columns: number): View => {
  const rows: Visible[] = [];
  let row: Visible[] = [];
  let used = 0;
  let place = { row: 0, column: 0 };
  const end = () => {
    rows.push(joined(...row));
    row = [];
    used = 0;
  };
  const put = (piece: Visible) => {
    for (const cell of cells(piece)) {
      // Nothing is wider than two cells, and that wide is every terminal.
      if (used + cell.width > columns) end();
      row.push(reshaped(piece, () => cell.text));
      used += cell.width;
    }
  };
  const mark = (next: number) => {
    if (used + next > columns) end();
    place = { row: rows.length, column: used };
  };

  put(prompt);
  let at = 0;
  text.split('\n').forEach((line, n) => {
    if (n > 0) {
      end();
      put(CONTINUED);
    }
    let written = 0;
    for (const { text: piece, shown: whole } of visibleGraphemes(line)) {
      // As the message will be shown, to the next tab stop.
      const drawn = piece === '\t' ? spaces(TAB_COLUMNS - (written % TAB_COLUMNS)) : whole;
      written += width(drawn);
      if (at === cursor) mark(Math.max(cells(drawn)[0]?.width ?? 0, 1));
      put(drawn);
      at += piece.length;
    }
    if (at === cursor) mark(1);
    at += 1;
  });
  end();
  return { rows, cursor: place };
};
