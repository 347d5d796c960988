import { cells, TAB_COLUMNS, textWidth, wrap } from '../../text/cells.js';
import { pluralize } from '../../text/format.js';
import { concatText, mapText, safe, type SafeText, sanitizeGraphemes } from '../../text/sanitize.js';
import { type Draft, createDraft, type PasteQuestion } from './draft.js';
import { afterMatch } from './history.js';
import type { EditorState, EditorNotice } from './state.js';

/** Footer below the conversation, redrawn when it changes. */
export interface Footer {
  /** Lines that are not in the scrollback yet: pending and failed messages, the state of the connection. */
  readonly above: readonly SafeText[];
  /** Text before the draft, in its first row. */
  readonly prompt: SafeText;
}

/** Size of a terminal in cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Rows to draw, and the cursor position in them. Each row is at most as wide as the terminal. */
export interface Frame {
  readonly rows: readonly SafeText[];
  readonly cursor: { readonly row: number; readonly column: number };
}

/** Prefix of each line of a draft but the first. */
const CONTINUATION = safe`> `;

const NOTICE_TEXTS: Readonly<Record<EditorNotice, SafeText>> = {
  leave: safe`-- press Ctrl-C again to leave`,
  pasting: safe`-- pasting \u2026`,
  'pasting-long': safe`-- pasting \u2026 longer than 1 MiB, will be discarded`,
  'paste-cut': safe`-- not pasted: longer than 1 MiB`,
  'paste-waits': safe`-- not pasted: answer the question first`,
  full: safe`-- the message is full`,
  'not-utf8': safe`-- your terminal does not send UTF-8; set it, or the locale, to UTF-8`,
};

/** Lays out the footer, the notices and the draft. If they do not fit, shows the rows around the cursor. */
export const layoutEditor = (footer: Footer, editor: EditorState, size: TerminalSize): Frame => {
  const columns = Math.max(size.columns, 2);
  const noticeRows = [
    ...(editor.question === undefined ? [] : questionRows(editor.question, columns)),
    ...(editor.notice === undefined ? [] : wrapRows(NOTICE_TEXTS[editor.notice], columns)),
  ];
  const { prompt, draft } = currentDraft(footer.prompt, editor);
  const draftFrame = layoutDraft(prompt, draft, columns);

  // A row is reserved for the conversation.
  const room = Math.max(size.rows - 1, 1);
  const above = footer.above.flatMap((line) => wrapRows(line, columns));
  const height = Math.min(
    draftFrame.rows.length,
    Math.max(room - noticeRows.length - Math.min(above.length, room >> 2), 1),
  );
  const first = Math.min(Math.max(draftFrame.cursor.row - (height >> 1), 0), draftFrame.rows.length - height);
  const rowsAbove = [
    ...newestRows(above, Math.max(room - noticeRows.length - height, 0), columns),
    ...noticeRows.slice(0, Math.max(room - height, 0)),
  ];
  return {
    rows: [...rowsAbove, ...draftFrame.rows.slice(first, first + height)],
    cursor: { row: rowsAbove.length + draftFrame.cursor.row - first, column: draftFrame.cursor.column },
  };
};

/** Lays out the footer without a draft, with the cursor below it for further output. */
export const layoutFooter = ({ above }: Footer, { columns }: TerminalSize): Frame => {
  const rows = above.flatMap((line) => wrapRows(line, Math.max(columns, 2)));
  return { rows: [...rows, safe``], cursor: { row: rows.length, column: 0 } };
};

const wrapRows = (line: SafeText, columns: number): readonly SafeText[] => {
  const rows: SafeText[] = [];
  for (const row of wrap(line, columns, 3).split('\n')) rows.push(mapText(line, () => row));
  return rows;
};

/** Returns as many of the newest rows as fit, after a count of the others. */
const newestRows = (rows: readonly SafeText[], room: number, columns: number): readonly SafeText[] => {
  if (rows.length <= room) return rows;
  if (room === 0) return [];
  const more = safe`-- ${pluralize(rows.length - room + 1, 'more row')}`;
  return [...wrapRows(more, columns).slice(0, 1), ...rows.slice(rows.length - room + 1)];
};

const questionRows = (
  { lines, pasted, messages, fitsDraft, isUnfinished }: PasteQuestion,
  columns: number,
): readonly SafeText[] => {
  const what = lines === 1 ? pluralize(pasted.length, 'character') : pluralize(lines, 'line');
  const choices = [
    fitsDraft ? safe`[1] one block` : undefined,
    messages.length > 1 ? safe`[2] ${pluralize(messages.length, 'message')}` : undefined,
    fitsDraft ? safe`[3] edit` : undefined,
    safe`[4] cancel`,
  ].filter((each) => each !== undefined);
  const end = isUnfinished ? safe`, without its end` : safe``;
  const rows = wrapRows(safe`-- ${what} pasted${end}, nothing was sent:`, columns);
  // A choice is wrapped only if it is wider than the terminal.
  return choices.reduce<readonly SafeText[]>((before, choice, at) => {
    const last = before.at(-1) ?? safe``;
    const longer = concatText(last, at === 0 ? safe` ` : safe`  `, choice);
    if (textWidth(longer) <= columns) return [...before.slice(0, -1), longer];
    return [...before, ...wrapRows(concatText(safe`   `, choice), columns)];
  }, rows);
};

/** Returns the draft to show: during a search, the entry that was found. */
const currentDraft = (
  prompt: SafeText,
  { draft, search, history }: EditorState,
): { prompt: SafeText; draft: Draft } => {
  if (search === undefined) return { prompt, draft };
  const entry = search.index === undefined ? '' : (history.entries[search.index] ?? '');
  return {
    prompt: safe`(${search.hasFailed ? 'not found' : 'search'} '${search.query}'): `,
    draft: createDraft(entry, afterMatch(entry, search.query)),
  };
};

const spaces = (count: number): SafeText => mapText(safe``, () => ' '.repeat(count));

const layoutDraft = (prompt: SafeText, { text, cursor }: Draft, columns: number): Frame => {
  const rows: SafeText[] = [];
  let row: SafeText[] = [];
  let usedColumns = 0;
  let cursorPosition = { row: 0, column: 0 };
  const endRow = () => {
    rows.push(concatText(...row));
    row = [];
    usedColumns = 0;
  };
  const put = (part: SafeText) => {
    for (const cell of cells(part)) {
      // A grapheme has at most two cells, and every terminal is that wide.
      if (usedColumns + cell.width > columns) endRow();
      row.push(mapText(part, () => cell.text));
      usedColumns += cell.width;
    }
  };
  const placeCursor = (next: number) => {
    if (usedColumns + next > columns) endRow();
    cursorPosition = { row: rows.length, column: usedColumns };
  };

  put(prompt);
  let at = 0;
  text.split('\n').forEach((line, n) => {
    if (n > 0) {
      endRow();
      put(CONTINUATION);
    }
    let written = 0;
    for (const { text: part, safe: whole } of sanitizeGraphemes(line)) {
      // Expands a tab as in the sent message: to the next tab stop.
      const visiblePart = part === '\t' ? spaces(TAB_COLUMNS - (written % TAB_COLUMNS)) : whole;
      written += textWidth(visiblePart);
      if (at === cursor) placeCursor(Math.max(cells(visiblePart)[0]?.width ?? 0, 1));
      put(visiblePart);
      at += part.length;
    }
    if (at === cursor) placeCursor(1);
    at += 1;
  });
  endRow();
  return { rows, cursor: cursorPosition };
};
