import { describe, expect, test } from '@jest/globals';
import { drawn, erased } from '../../../src/terminal/drawing.js';
import { newEditor } from '../../../src/terminal/editor/state.js';
import { aboveOf, type Foot, type Size, type View, viewOf } from '../../../src/terminal/editor/view.js';
import { held } from '../../../src/terminal/held.js';
import { shown, type Visible } from '../../../src/terminal/visible.js';
import { type Typed, typing } from '../../support/typing.js';

const FOOT: Foot = { above: [], prompt: shown`al> ` };

const seen = (
  typed: readonly Typed[],
  { columns = 10, rows = 20 }: Partial<Size> = {},
  above: readonly Visible[] = [],
): View => viewOf({ ...FOOT, above }, typing(typed).editor, { columns, rows });

/** The rows, with `|` where the cursor is: by cells, so that it must not be put into a wide character. */
const look = (typed: string, size?: Partial<Size>, above?: readonly Visible[]): readonly string[] => {
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
    const above = [shown`-- one`, shown`-- two three`];
    expect(look('hi', {}, above)).toStrictEqual(['-- one', '-- two', '   three', 'al> hi|']);
    expect(look('hi', { rows: 4 }, above)).toStrictEqual(['-- 2 more', '   three', 'al> hi|']);
    expect(look('hi', { rows: 2 }, above)).toStrictEqual(['al> hi|']);
    expect(look('hi', { rows: 1 }, above)).toStrictEqual(['al> hi|']);
    expect(aboveOf({ ...FOOT, above }, { columns: 10, rows: 20 })).toStrictEqual({
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
  const view = seen(['hello!!<Left>'], {}, [shown`-- one`]);

  test('is without wrapping, and ends at the cursor', () => {
    expect(drawn(view)).toBe('\x1b[?7l-- one\nal> hello!\n\r\x1b7!\x1b8\x1b[?7h');
    expect(drawn({ ...view, cursor: { row: 0, column: 3 } })).toBe(
      '\x1b[?7l\nal> hello!\n!\x1b[2A\r-- \x1b7one\x1b8\x1b[?7h',
    );
  });

  test('is taken back from the cursor up, also where rows have become more', () => {
    const row = '\x1b[K';
    const more = (n: number) => `\x1b[1B${row}`.repeat(n);
    expect(erased(view, 10, true)).toBe(`\r\x1b[2A${row}${more(2)}\x1b[2A\x1b[J`);
    expect(erased(view, 5, true)).toBe(`\r\x1b[4A${row}${more(4)}\x1b[4A\x1b[J`);
    const wide = { rows: [shown`日本語`, shown``], cursor: { row: 1, column: 0 } };
    expect(erased(wide, 5, true)).toBe(`\r\x1b[2A${row}${more(2)}\x1b[2A\x1b[J`);
    expect(erased(view, 5, false)).toBe(erased(view, 10, true));
    const full = { rows: [shown`hello!`], cursor: { row: 0, column: 6 } };
    expect(erased(full, 6, true)).toBe(`\r${row}\x1b[J`);
    expect(erased(full, 3, true)).toBe(`\r\x1b[1A${row}${more(1)}\x1b[1A\x1b[J`);
    const within = { rows: [shown`hello`], cursor: { row: 0, column: 4 } };
    expect(erased(within, 3, true)).toBe(`\r\x1b[1A${row}${more(1)}\x1b[1A\x1b[J`);
    expect(erased(viewOf(FOOT, newEditor([]), { columns: 10, rows: 5 }), 10, true)).toBe(`\r${row}\x1b[J`);
  });

  test('of what is held so much is kept, and the rest counted', () => {
    const some = held(20);
    for (const n of [1, 2, 3, 4, 5, 6]) some.add(shown`line ${n}`);
    expect(some.taken()).toBe('-- 3 lines came that there was no room for\nline 4\nline 5\nline 6\n');
    expect(some.taken()).toBe('');
  });
});
