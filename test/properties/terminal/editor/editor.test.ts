import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cells } from '../../../../src/text/cells.js';
import { applyInput } from '../../../../src/terminal/editor/editor.js';
import type { EditorInput } from '../../../../src/terminal/editor/keyReader.js';
import { KEY_BINDINGS } from '../../../../src/terminal/editor/keyBindings.js';
import { type EditorState, createEditor } from '../../../../src/terminal/editor/state.js';
import { layoutEditor } from '../../../../src/terminal/editor/layout.js';
import { safe } from '../../../../src/text/sanitize.js';
import { EDITOR_CONTEXT } from '../../../support/editorFixture.js';

/** Parts of graphemes too: they arrive one after the other, and the boundary moves. */
const character = fc.constantFrom(
  ...[
    'a',
    'b',
    ' ',
    '/',
    '日',
    'e',
    '\u0301',
    '👨',
    '\u200d',
    '👩',
    '🏽',
    '🇩',
    '🇪',
    'ก',
    '\u0e33',
    '한',
    '\u200c',
  ],
);
const paste = fc.string({ unit: fc.constantFrom('a', '\n', '日', '\r', '\t', '\x1b', '👍🏽'), maxLength: 20 });
const input: fc.Arbitrary<EditorInput> = fc.oneof(
  { weight: 5, arbitrary: character.map((text): EditorInput => ({ type: 'text', text })) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...Object.keys(KEY_BINDINGS), 'C-s', 'Escape')
      .map((name): EditorInput => ({ type: 'key', name })),
  },
  { weight: 1, arbitrary: paste.map((text): EditorInput => ({ type: 'paste', text, cut: false })) },
);

const run = (inputs: readonly EditorInput[], check: (editor: EditorState) => void): EditorState =>
  inputs.reduce(
    (editor, each) => {
      const next = applyInput(editor, each, EDITOR_CONTEXT).editor;
      check(next);
      return next;
    },
    createEditor(['first', '日本\n語', 'third']),
  );

const borders = (text: string): readonly number[] => [
  ...Array.from(
    new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text),
    ({ index }) => index,
  ),
  text.length,
];

describe('the editor with any input', () => {
  test('keeps the cursor between two graphemes', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        run(inputs, ({ draft: { text, cursor } }) => {
          expect(text === '' ? [0] : borders(text)).toContain(cursor);
        });
      }),
    );
  });

  test('keeps every row within the width, and the cursor in a row before the text that follows', () => {
    fc.assert(
      fc.property(
        fc.array(input, { maxLength: 60 }),
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 1, max: 12 }),
        (inputs, columns, rows) => {
          const footer = { above: [safe`-- one two three`], prompt: safe`日> ` };
          run(inputs, (editor) => {
            const view = layoutEditor(footer, editor, { columns, rows });
            for (const row of view.rows) {
              expect(cells(row).reduce((sum, each) => sum + each.width, 0)).toBeLessThanOrEqual(columns);
            }
            expect(view.rows.length).toBeLessThanOrEqual(Math.max(rows - 1, 1));
            const row = view.rows[view.cursor.row];
            expect(row).toBeDefined();
            expect(view.cursor.column).toBeLessThan(columns);
            // A mark that joins the prompt or the symbol of a control is drawn on top of it.
            const texts = [editor.draft.text, ...editor.history.entries];
            if (texts.some((each) => /(?:^|\p{Cc})[\p{M}\p{Cf}\p{Sk}\u0e33]/u.test(each))) return;
            // Neither within a wide character nor after the end.
            const starts = cells(row ?? '').reduce(
              (at: number[], each) => [...at, (at.at(-1) ?? 0) + each.width],
              [0],
            );
            expect(starts).toContain(view.cursor.column);
          });
        },
      ),
    );
  });

  test('contains the typed text after any moves and cuts', () => {
    const simple = fc.oneof(
      fc.constantFrom('a', 'b', '日', ' '),
      fc.constantFrom('Left', 'Right', 'Home', 'End', 'Backspace', 'Delete'),
    );
    fc.assert(
      fc.property(fc.array(simple, { maxLength: 60 }), (keys) => {
        // A model: the characters before and after the cursor.
        let [head, tail] = [[] as string[], [] as string[]];
        const model: Record<string, () => void> = {
          Left: () => (tail = [...head.splice(-1), ...tail]),
          Right: () => head.push(...tail.splice(0, 1)),
          Home: () => ([head, tail] = [[], [...head, ...tail]]),
          End: () => ([head, tail] = [[...head, ...tail], []]),
          Backspace: () => head.pop(),
          Delete: () => tail.shift(),
        };
        const { draft } = run(
          keys.map((key) => (key.length > 1 ? { type: 'key', name: key } : { type: 'text', text: key })),
          () => undefined,
        );
        for (const key of keys) (model[key] ?? (() => head.push(key)))();
        expect(draft).toStrictEqual({ text: [...head, ...tail].join(''), cursor: head.join('').length });
      }),
    );
  });

  test('enters nothing for a paste alone, nor for keys while it asks about a paste', () => {
    const noAnswer = input.filter((each) => each.type !== 'text' || !/[1-4]/.test(each.text));
    fc.assert(
      fc.property(fc.array(noAnswer, { maxLength: 20 }), (inputs) => {
        const long: EditorInput = { type: 'paste', text: '\n'.repeat(9), cut: false };
        let editor = applyInput(createEditor([]), long, EDITOR_CONTEXT).editor;
        for (const each of inputs.filter(
          (one) => one.type !== 'key' || !['Escape', 'C-c', 'C-g'].includes(one.name),
        )) {
          const next = applyInput(editor, each, EDITOR_CONTEXT);
          editor = next.editor;
          expect(next.effects.filter(({ type }) => type !== 'suspend')).toStrictEqual([]);
          expect(editor.draft.text).toBe('');
        }
      }),
    );
  });

  test('restores the text when a cut is undone by a paste', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: character }),
        fc.constantFrom('C-u', 'C-w', 'M-Backspace'),
        (text, cut) => {
          const keys = [cut, 'C-y'].map((name): EditorInput => ({ type: 'key', name }));
          const { draft } = run([{ type: 'text', text }, ...keys], () => undefined);
          expect(draft).toStrictEqual({ text, cursor: text.length });
        },
      ),
    );
  });
});
