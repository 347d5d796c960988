import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { KEY_BINDINGS, PREFIX_BINDINGS } from '../../../../src/terminal/editor/keyBindings.js';
import { applyInput } from '../../../../src/terminal/editor/editor.js';
import type { EditorInput } from '../../../../src/terminal/editor/keyReader.js';
import { type EditorState, createEditor, type EditorStep } from '../../../../src/terminal/editor/state.js';
import { EDITOR_CONTEXT, typeInto } from '../../../support/editorFixture.js';

/** Converts `Ctrl-X Ctrl-E` to the code's form, `C-x C-e`. */
const inCode = (key: string): string =>
  key
    .split(' ')
    .map((each) =>
      each.replace(/^(Ctrl|Alt|Shift)-(.*)$/, (_, modifier: string, name: string) =>
        [modifier.slice(0, 1).replace('A', 'M'), name.length === 1 ? name.toLowerCase() : name].join('-'),
      ),
    )
    .join(' ');

const [, section = ''] = readFileSync(new URL('../../../../docs/terminal.md', import.meta.url), 'utf8').split(
  /^## Keys$/m,
);

/** Returns the keys in the first column of each table. */
const [plain = [], search = [], question = []] = section
  .split(/^\| -[- |]*$/m)
  .slice(1)
  .map((table) =>
    Array.from(table.matchAll(/^\| (`[^|]*`) +\|/gm), ([, keys = '']) =>
      Array.from(keys.matchAll(/`([^`]+)`/g), ([, key = '']) => inCode(key)),
    )
      .flat()
      .sort(),
  );

/** All keys of all states. */
const ALL = [...Object.keys(KEY_BINDINGS), 'Escape', 'C-s', ...Array.from('0123456789')];

const press = (editor: EditorState, key: string): EditorStep => {
  const input: EditorInput = key.length === 1 ? { type: 'text', text: key } : { type: 'key', name: key };
  return applyInput(editor, input, EDITOR_CONTEXT);
};

describe('docs/terminal.md', () => {
  test('has every key of the input line, and no other', () => {
    const keys = [
      ...Object.keys(KEY_BINDINGS).filter((key) => key !== 'C-x'),
      ...Object.keys(PREFIX_BINDINGS).map((key) => `C-x ${key}`),
    ];
    expect(plain).toStrictEqual(keys.sort());
  });

  test('has those that mean something else in a search', () => {
    const searching = typeInto(['draft<C-r>b'], createEditor(['ab', 'cb'])).editor;
    const found = press(searching, 'Escape').editor;
    expect([searching.draft.text, found.draft.text, found.search]).toStrictEqual(['draft', 'cb', undefined]);
    const isAnother = (key: string) =>
      JSON.stringify(press(searching, key)) !== JSON.stringify(press(found, key));
    const keys = ALL.filter((key) => key.length > 1 && isAnother(key));
    // Escape accepts the match, as unbound keys do, and is the documented key for it.
    expect(search).toStrictEqual([...keys, 'Escape'].sort());
  });

  test('has those that answer what a big paste asks', () => {
    const requested = typeInto([
      { paste: Array.from({ length: 7 }, (_, at) => `line ${at}`).join('\n') },
    ]).editor;
    expect(requested.question).toBeDefined();
    const answers = ALL.filter((key) => {
      const { editor, effects } = press(requested, key);
      return editor.question === undefined || effects.length > 0;
    });
    expect(question).toStrictEqual(answers.sort());
  });
});
