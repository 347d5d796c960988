import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderFrame, eraseFrame, reflowEvidence } from '../../../src/terminal/frame.js';
import { createDraft } from '../../../src/terminal/editor/draft.js';
import { createEditor } from '../../../src/terminal/editor/state.js';
import { type Frame, layoutEditor } from '../../../src/terminal/editor/layout.js';
import { safe, sanitizeLines } from '../../../src/text/sanitize.js';
import { terminalModel } from '../../support/terminalModel.js';

/** The messages of others. */
const LINES = ['ONE', 'TWO', 'THREE', 'FOUR'];

interface Run {
  /** The final screen of the terminal, and the last frame drawn. */
  readonly text: readonly string[];
  readonly view: Frame;
  readonly column: number;
}

interface Case {
  readonly draft: string;
  readonly cursor: number;
  readonly above: readonly string[];
  readonly widths: readonly number[];
}

/** A draft below messages, in a terminal that goes through many widths. */
const run = (
  { draft, cursor, above, widths: [first = 80, ...others] }: Case,
  { rows, reflows, known }: { readonly rows: number; readonly reflows: boolean; readonly known: boolean },
): Run => {
  const terminal = terminalModel({ columns: first, rows, reflows });
  const editor = { ...createEditor([]), draft: createDraft(draft, cursor) };
  const footer = { above: above.map((each) => safe`${each}`), prompt: safe`al> ` };
  const viewIn = (columns: number) => layoutEditor(footer, editor, { columns, rows });
  for (const line of LINES) terminal.write(`${line}\n`);
  let view = viewIn(first);
  terminal.write(renderFrame(view));
  for (const columns of others) {
    terminal.resize(columns);
    terminal.write(eraseFrame(view, columns, reflows && known));
    view = viewIn(columns);
    terminal.write(renderFrame(view));
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
      // The user drags a border.
      fc.tuple(width, width).map(([one, two]) => {
        const step = one < two ? 1 : -1;
        return Array.from({ length: Math.abs(one - two) + 1 }, (_, at) => one + at * step);
      }),
    ),
  })
  .map((each) => ({ ...each, cursor: Math.min(each.cursor, each.draft.length) }));

const renderedText = ({ rows }: Frame): readonly string[] =>
  sanitizeLines(rows.join('\n'))
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n')
    .trimEnd()
    .split('\n');

describe('a frame when the columns change', () => {
  test.each([true, false])('leaves the messages and the view alone; the terminal reflows: %p', (reflows) => {
    fc.assert(
      fc.property(given, (each) => {
        const { text, view, column } = run(each, { rows: 300, reflows, known: true });
        expect(text).toStrictEqual([...LINES, ...renderedText(view)]);
        expect(column).toBe(view.cursor.column);
      }),
      { numRuns: 150 },
    );
  });

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

  test('detects by the cursor whether the terminal reflows, without errors', () => {
    fc.assert(
      fc.property(given, width, fc.boolean(), (each, columns, reflows) => {
        const terminal = terminalModel({ columns: 80, rows: 300, reflows });
        const editor = { ...createEditor([]), draft: createDraft(each.draft, each.cursor) };
        const view = layoutEditor({ above: [], prompt: safe`al> ` }, editor, { columns: 80, rows: 300 });
        terminal.write(renderFrame(view));
        terminal.resize(columns);
        const { matchesWrapped, matchesCut } = reflowEvidence(view, columns, terminal.cursor().column);
        expect(reflows ? matchesWrapped : matchesCut).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('detects it when the draft was longer than the row is', () => {
    const view = { rows: [safe`al> ${'x'.repeat(54)}`], cursor: { row: 0, column: 58 } };
    expect(reflowEvidence(view, 57, 1)).toStrictEqual({ matchesWrapped: true, matchesCut: false });
    expect(reflowEvidence(view, 57, 56)).toStrictEqual({ matchesWrapped: false, matchesCut: true });
    expect(reflowEvidence(view, 57, 30)).toStrictEqual({ matchesWrapped: false, matchesCut: false });
    expect(reflowEvidence(view, 58, 57)).toStrictEqual({ matchesWrapped: true, matchesCut: true });
  });

  test('detects it when a terminal drops the spaces at the end of a row', () => {
    const view = { rows: [safe`al> ${'x'.repeat(53)}`, safe`  `], cursor: { row: 1, column: 2 } };
    expect(reflowEvidence(view, 50, 0).matchesWrapped).toBe(true);
    expect(reflowEvidence(view, 50, 1).matchesWrapped).toBe(false);
  });
});
