import { describe, expect, test } from '@jest/globals';
import { renderFrame, eraseFrame } from '../../../../src/terminal/frame.js';
import { createEditor } from '../../../../src/terminal/editor/state.js';
import {
  layoutFooter,
  type Footer,
  type TerminalSize,
  type Frame,
  layoutEditor,
} from '../../../../src/terminal/editor/layout.js';
import { deferredOutput } from '../../../../src/terminal/externalEditor.js';
import { safe, type SafeText } from '../../../../src/text/sanitize.js';
import { type TypedInput, typeInto } from '../../../support/editorFixture.js';

const FOOTER: Footer = { above: [], prompt: safe`al> ` };

const seen = (
  typed: readonly TypedInput[],
  { columns = 10, rows = 20 }: Partial<TerminalSize> = {},
  above: readonly SafeText[] = [],
): Frame => layoutEditor({ ...FOOTER, above }, typeInto(typed).editor, { columns, rows });

/** Returns the rows, with `|` at the cursor's cell. It must not be within a wide character. */
const look = (
  typed: string,
  size?: Partial<TerminalSize>,
  above?: readonly SafeText[],
): readonly string[] => {
  const { rows, cursor } = seen([typed], size, above);
  return rows.map((row, at) =>
    at === cursor.row ? `${row.slice(0, cursor.column)}|${row.slice(cursor.column)}` : row,
  );
};

describe('a draft in its rows', () => {
  test.each<[string, readonly string[]]>([
    ['', ['al> |']],
    ['hello', ['al> hello|']],
    ['hello!', ['al> hello!', '|']],
    ['hello!!', ['al> hello!', '!|']],
    ['hello!!<Left>', ['al> hello!', '|!']],
    ['hello!!<Left><Left>', ['al> hello|!', '!']],
    ['hi<M-Enter>you', ['al> hi', '> you|']],
    ['hi<M-Enter>', ['al> hi', '> |']],
    ['hello!<M-Enter>you', ['al> hello!', '> you|']],
    ['hi<M-Enter>you<Up><C-a>', ['al> |hi', '> you']],
  ])('%j', (typed, expected) => {
    expect(look(typed)).toStrictEqual(expected);
  });

  test('a wide character is never cut by the edge, and the cursor stands where it is drawn', () => {
    expect(seen(['a日本語'], { columns: 9 })).toStrictEqual({
      rows: ['al> a日本', '語'],
      cursor: { row: 1, column: 2 },
    });
    expect(seen(['ab日本語'], { columns: 9 }).rows).toStrictEqual(['al> ab日', '本語']);
    expect(seen(['ab日本語<Left><Left>'], { columns: 9 }).cursor).toStrictEqual({ row: 1, column: 0 });
    expect(seen(['👨‍👩‍👧‍👦x'], { columns: 9 }).cursor).toStrictEqual({ row: 0, column: 7 });
  });

  test('what cannot be shown is spelled out, and measured so', () => {
    const view = seen([{ paste: 'a\x1b[31m\tb' }], { columns: 20 });
    expect(view).toStrictEqual({ rows: ['al> a␛[31m  b'], cursor: { row: 0, column: 13 } });
    const persian = 'می\u200cخواهم';
    expect(seen([persian], { columns: 20 }).rows).toStrictEqual([`al> ${persian}`]);
  });

  test('one that is taller than the screen is seen round the cursor', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `${n}`);
    const typed = [{ paste: lines.join('\n') }, '3'];
    const end = seen(typed, { rows: 6 });
    expect(end).toStrictEqual({
      rows: ['> 25', '> 26', '> 27', '> 28', '> 29'],
      cursor: { row: 4, column: 4 },
    });
    const middle = seen([...typed, ...Array.from({ length: 10 }, () => '<Up>')], { rows: 6 });
    expect(middle.rows[middle.cursor.row]).toBe('> 19');
    expect(middle.rows).toHaveLength(5);
    const top = seen([...typed, ...Array.from({ length: 29 }, () => '<Up>')], { rows: 6 });
    expect(top.rows[0]).toBe('al> 0');
  });
});

describe('what stands over the draft', () => {
  test('is wrapped, and of too much the newest is seen', () => {
    const above = [safe`-- one`, safe`-- two three`];
    expect(look('hi', {}, above)).toStrictEqual(['-- one', '-- two', '   three', 'al> hi|']);
    expect(look('hi', { rows: 4 }, above)).toStrictEqual(['-- 2 more', '   three', 'al> hi|']);
    expect(look('hi', { rows: 2 }, above)).toStrictEqual(['al> hi|']);
    expect(look('hi', { rows: 1 }, above)).toStrictEqual(['al> hi|']);
    expect(layoutFooter({ ...FOOTER, above }, { columns: 10, rows: 20 })).toStrictEqual({
      rows: ['-- one', '-- two', '   three', ''],
      cursor: { row: 3, column: 0 },
    });
  });

  test('says how to leave, and what was found', () => {
    expect(look('<C-c>', { columns: 40 })).toStrictEqual(['-- press Ctrl-C again to leave', 'al> |']);
    expect(look('apple pie<Enter><C-r>pie', { columns: 40 })).toStrictEqual([`(search 'pie'): apple pie|`]);
    expect(look('apple<Enter><C-r>pie', { columns: 40 })).toStrictEqual([`(not found 'pie'): |apple`]);
  });

  test('asks about a paste', () => {
    const view = seen(['half', { paste: 'a\nb\n\nd\ne\nf\ng' }], { columns: 80 });
    expect(view.rows).toStrictEqual([
      '-- 7 lines pasted, nothing was sent: [1] one block  [2] 6 messages  [3] edit',
      '   [4] cancel',
      'al> half',
    ]);
    const narrow = seen([{ paste: 'a\nb\n\nd\ne\nf\ng' }], { columns: 40 });
    expect(narrow.rows).toStrictEqual([
      '-- 7 lines pasted, nothing was sent:',
      '   [1] one block  [2] 6 messages',
      '   [3] edit  [4] cancel',
      'al> ',
    ]);
  });
});

describe('drawing', () => {
  const view = seen(['hello!!<Left>'], {}, [safe`-- one`]);

  test('is without wrapping, and ends at the cursor', () => {
    expect(renderFrame(view)).toBe('\x1b[?7l-- one\nal> hello!\n\r\x1b7!\x1b8\x1b[?7h');
    expect(renderFrame({ ...view, cursor: { row: 0, column: 3 } })).toBe(
      '\x1b[?7l\nal> hello!\n!\x1b[2A\r-- \x1b7one\x1b8\x1b[?7h',
    );
  });

  test('is taken back from the cursor up, also where rows have become more', () => {
    const row = '\x1b[K';
    const more = (n: number) => `\x1b[1B${row}`.repeat(n);
    expect(eraseFrame(view, 10, true)).toBe(`\r\x1b[2A${row}${more(2)}\x1b[2A\x1b[J`);
    expect(eraseFrame(view, 5, true)).toBe(`\r\x1b[4A${row}${more(4)}\x1b[4A\x1b[J`);
    const wide = { rows: [safe`日本語`, safe``], cursor: { row: 1, column: 0 } };
    expect(eraseFrame(wide, 5, true)).toBe(`\r\x1b[2A${row}${more(2)}\x1b[2A\x1b[J`);
    expect(eraseFrame(view, 5, false)).toBe(eraseFrame(view, 10, true));
    const full = { rows: [safe`hello!`], cursor: { row: 0, column: 6 } };
    expect(eraseFrame(full, 6, true)).toBe(`\r${row}\x1b[J`);
    expect(eraseFrame(full, 3, true)).toBe(`\r\x1b[1A${row}${more(1)}\x1b[1A\x1b[J`);
    const within = { rows: [safe`hello`], cursor: { row: 0, column: 4 } };
    expect(eraseFrame(within, 3, true)).toBe(`\r\x1b[1A${row}${more(1)}\x1b[1A\x1b[J`);
    expect(eraseFrame(layoutEditor(FOOTER, createEditor([]), { columns: 10, rows: 5 }), 10, true)).toBe(
      `\r${row}\x1b[J`,
    );
  });

  test('of what is held so much is kept, and the rest counted', () => {
    const some = deferredOutput(20);
    for (const n of [1, 2, 3, 4, 5, 6]) some.add(safe`line ${n}`);
    expect(some.flush()).toBe('-- 3 lines were dropped\nline 4\nline 5\nline 6\n');
    expect(some.flush()).toBe('');
  });
});
