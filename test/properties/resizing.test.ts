import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drawn, erased, evidenceOf } from '../../src/terminal/drawing.js';
import { draftOf } from '../../src/terminal/editor/draft.js';
import { newEditor } from '../../src/terminal/editor/state.js';
import { type View, viewOf } from '../../src/terminal/editor/view.js';
import { shown, visibleLines } from '../../src/terminal/visible.js';
import { terminalModel } from '../support/terminalModel.js';

/** What others said. */
const LINES = ['ONE', 'TWO', 'THREE', 'FOUR'];

interface Run {
  /** What the terminal shows at the end, and what was drawn last. */
  readonly text: readonly string[];
  readonly view: View;
  readonly column: number;
}

interface Case {
  readonly draft: string;
  readonly cursor: number;
  readonly above: readonly string[];
  readonly widths: readonly number[];
}

/** A draft below what others said, in a terminal that goes through many widths. */
const run = (
  { draft, cursor, above, widths: [first = 80, ...others] }: Case,
  { rows, reflows, known }: { readonly rows: number; readonly reflows: boolean; readonly known: boolean },
): Run => {
  const terminal = terminalModel({ columns: first, rows, reflows });
  const editor = { ...newEditor([]), draft: draftOf(draft, cursor) };
  const foot = { above: above.map((each) => shown`${each}`), prompt: shown`al> ` };
  const viewIn = (columns: number) => viewOf(foot, editor, { columns, rows });
  for (const line of LINES) terminal.write(`${line}\n`);
  let view = viewIn(first);
  terminal.write(drawn(view));
  for (const columns of others) {
    terminal.resize(columns);
    terminal.write(erased(view, columns, reflows && known));
    view = viewIn(columns);
    terminal.write(drawn(view));
  }
  return { text: terminal.text(), view, column: terminal.cursor().column };
};

const width = fc.integer({ min: 8, max: 90 });
const draft = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', ' ', '日', '語', '\n'), maxLength: 120 }),
  // Rows that a width fills to its last cell.
  fc.integer({ min: 0, max: 200 }).map((length) => 'x'.repeat(length)),
);
const given = fc
  .record({
    draft,
    cursor: fc.oneof(fc.constant(Infinity), fc.nat({ max: 200 })),
    above: fc.array(fc.constantFrom('-- offline', 'o waits for its receipt, which takes a while'), {
      maxLength: 3,
    }),
    widths: fc.oneof(
      fc.array(width, { minLength: 2, maxLength: 8 }),
      // Somebody drags a border.
      fc.tuple(width, width).map(([one, two]) => {
        const step = one < two ? 1 : -1;
        return Array.from({ length: Math.abs(one - two) + 1 }, (_, at) => one + at * step);
      }),
    ),
  })
  .map((each) => ({ ...each, cursor: Math.min(each.cursor, each.draft.length) }));

const drawnText = ({ rows }: View): readonly string[] =>
  visibleLines(rows.join('\n'))
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n')
    .trimEnd()
    .split('\n');

describe('a change of the columns', () => {
  test.each([true, false])(
    'leaves what others said and the view alone; the terminal reflows: %p',
    (reflows) => {
      fc.assert(
        fc.property(given, (each) => {
          const { text, view, column } = run(each, { rows: 300, reflows, known: true });
          expect(text).toStrictEqual([...LINES, ...drawnText(view)]);
          expect(column).toBe(view.cursor.column);
        }),
        { numRuns: 150 },
      );
    },
  );

  test.each([
    [true, 300],
    [true, 6],
    [false, 6],
  ])(
    'erases nothing of others if that is not known; the terminal reflows: %p, with %d rows',
    (reflows, rows) => {
      fc.assert(
        fc.property(given, (each) => {
          const { text } = run(each, { rows, reflows, known: false });
          expect(text.slice(0, LINES.length)).toStrictEqual(LINES);
        }),
        { numRuns: 150 },
      );
    },
  );

  test('tells by the cursor whether the terminal reflows, and is never wrong', () => {
    fc.assert(
      fc.property(given, width, fc.boolean(), (each, columns, reflows) => {
        const terminal = terminalModel({ columns: 80, rows: 300, reflows });
        const editor = { ...newEditor([]), draft: draftOf(each.draft, each.cursor) };
        const view = viewOf({ above: [], prompt: shown`al> ` }, editor, { columns: 80, rows: 300 });
        terminal.write(drawn(view));
        terminal.resize(columns);
        const { wrapped, cut } = evidenceOf(view, columns, terminal.cursor().column);
        expect(reflows ? wrapped : cut).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('tells it where the draft was longer than the row is', () => {
    const view = { rows: [shown`al> ${'x'.repeat(54)}`], cursor: { row: 0, column: 58 } };
    expect(evidenceOf(view, 57, 1)).toStrictEqual({ wrapped: true, cut: false });
    expect(evidenceOf(view, 57, 56)).toStrictEqual({ wrapped: false, cut: true });
    expect(evidenceOf(view, 57, 30)).toStrictEqual({ wrapped: false, cut: false });
    expect(evidenceOf(view, 58, 57)).toStrictEqual({ wrapped: true, cut: true });
  });

  test('where a terminal forgets the spaces at the end of a row', () => {
    const view = { rows: [shown`al> ${'x'.repeat(53)}`, shown`  `], cursor: { row: 1, column: 2 } };
    expect(evidenceOf(view, 50, 0).wrapped).toBe(true);
    expect(evidenceOf(view, 50, 1).wrapped).toBe(false);
  });
});
