import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cells } from '../../src/terminal/cells.js';
import { step } from '../../src/terminal/editor/editor.js';
import type { Input } from '../../src/terminal/editor/keys.js';
import { COMMANDS } from '../../src/terminal/editor/commands.js';
import { type Editor, newEditor } from '../../src/terminal/editor/state.js';
import { viewOf } from '../../src/terminal/editor/view.js';
import { shown } from '../../src/terminal/visible.js';
import { AROUND } from '../support/typing.js';

/** Pieces of graphemes, too: they come one after the other, and the border moves. */
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
const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 5, arbitrary: character.map((text): Input => ({ type: 'text', text })) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...Object.keys(COMMANDS), 'C-s', 'Escape')
      .map((name): Input => ({ type: 'key', name })),
  },
  { weight: 1, arbitrary: paste.map((text): Input => ({ type: 'paste', text, cut: false })) },
);

const run = (inputs: readonly Input[], check: (editor: Editor) => void): Editor =>
  inputs.reduce(
    (editor, each) => {
      const next = step(editor, each, AROUND).editor;
      check(next);
      return next;
    },
    newEditor(['first', '日本\n語', 'third']),
  );

const borders = (text: string): readonly number[] => [
  ...Array.from(
    new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text),
    ({ index }) => index,
  ),
  text.length,
];

describe('whatever is typed', () => {
  test('the cursor is between two graphemes', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        run(inputs, ({ draft: { text, cursor } }) => {
          expect(text === '' ? [0] : borders(text)).toContain(cursor);
        });
      }),
    );
  });

  test('every row fits, and the cursor is in one, before what it is before', () => {
    fc.assert(
      fc.property(
        fc.array(input, { maxLength: 60 }),
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 1, max: 12 }),
        (inputs, columns, rows) => {
          const foot = { above: [shown`-- one two three`], prompt: shown`日> ` };
          run(inputs, (editor) => {
            const view = viewOf(foot, editor, { columns, rows });
            for (const row of view.rows) {
              expect(cells(row).reduce((sum, each) => sum + each.width, 0)).toBeLessThanOrEqual(columns);
            }
            expect(view.rows.length).toBeLessThanOrEqual(Math.max(rows - 1, 1));
            const row = view.rows[view.cursor.row];
            expect(row).toBeDefined();
            expect(view.cursor.column).toBeLessThan(columns);
            // What joins the prompt, the mark of a line or what stands for a control is drawn upon that.
            const texts = [editor.draft.text, ...editor.past.entries];
            if (texts.some((each) => /(?:^|\p{Cc})[\p{M}\p{Cf}\p{Sk}\u0e33]/u.test(each))) return;
            // Not within a wide character, nor behind the end.
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

  test('text alone is the draft, whatever it was moved in and cut', () => {
    const simple = fc.oneof(
      fc.constantFrom('a', 'b', '日', ' '),
      fc.constantFrom('Left', 'Right', 'Home', 'End', 'Backspace', 'Delete'),
    );
    fc.assert(
      fc.property(fc.array(simple, { maxLength: 60 }), (keys) => {
        // A model: the characters before and behind the cursor.
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

  test('a paste alone enters nothing, and neither does what is typed while one is asked about', () => {
    const noAnswer = input.filter((each) => each.type !== 'text' || !/[1-4]/.test(each.text));
    fc.assert(
      fc.property(fc.array(noAnswer, { maxLength: 20 }), (inputs) => {
        const long: Input = { type: 'paste', text: '\n'.repeat(9), cut: false };
        let editor = step(newEditor([]), long, AROUND).editor;
        for (const each of inputs.filter(
          (one) => one.type !== 'key' || !['Escape', 'C-c', 'C-g'].includes(one.name),
        )) {
          const next = step(editor, each, AROUND);
          editor = next.editor;
          expect(next.effects.filter(({ type }) => type !== 'suspend')).toStrictEqual([]);
          expect(editor.draft.text).toBe('');
        }
      }),
    );
  });

  test('what is cut and put back is what was', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: character }),
        fc.constantFrom('C-u', 'C-w', 'M-Backspace'),
        (text, cut) => {
          const keys = [cut, 'C-y'].map((name): Input => ({ type: 'key', name }));
          const { draft } = run([{ type: 'text', text }, ...keys], () => undefined);
          expect(draft).toStrictEqual({ text, cursor: text.length });
        },
      ),
    );
  });
});
