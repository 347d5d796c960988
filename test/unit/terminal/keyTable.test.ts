import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { COMMANDS, PREFIXED } from '../../../src/terminal/editor/commands.js';
import { step } from '../../../src/terminal/editor/editor.js';
import type { Input } from '../../../src/terminal/editor/keys.js';
import { type Editor, newEditor, type Step } from '../../../src/terminal/editor/state.js';
import { AROUND, typing } from '../../support/typing.js';

/** `Ctrl-X Ctrl-E` as the code has it: `C-x C-e`. */
const inCode = (key: string): string =>
  key
    .split(' ')
    .map((each) =>
      each.replace(/^(Ctrl|Alt|Shift)-(.*)$/, (_, modifier: string, name: string) =>
        [modifier.slice(0, 1).replace('A', 'M'), name.length === 1 ? name.toLowerCase() : name].join('-'),
      ),
    )
    .join(' ');

const [, section = ''] = readFileSync(new URL('../../../docs/terminal.md', import.meta.url), 'utf8').split(
  /^## Keys$/m,
);

/** The keys in the first column of each table. */
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

/** Every key that any state could know. */
const ALL = [...Object.keys(COMMANDS), 'Escape', 'C-s', ...Array.from('0123456789')];

const press = (editor: Editor, key: string): Step => {
  const input: Input = key.length === 1 ? { type: 'text', text: key } : { type: 'key', name: key };
  return step(editor, input, AROUND);
};

describe('docs/terminal.md', () => {
  test('has every key of the input line, and no other', () => {
    const keys = [
      ...Object.keys(COMMANDS).filter((key) => key !== 'C-x'),
      ...Object.keys(PREFIXED).map((key) => `C-x ${key}`),
    ];
    expect(plain).toStrictEqual(keys.sort());
  });

  test('has those that mean something else in a search', () => {
    const searching = typing(['draft<C-r>b'], newEditor(['ab', 'cb'])).editor;
    const found = press(searching, 'Escape').editor;
    expect([searching.draft.text, found.draft.text, found.search]).toStrictEqual(['draft', 'cb', undefined]);
    const isAnother = (key: string) =>
      JSON.stringify(press(searching, key)) !== JSON.stringify(press(found, key));
    const keys = ALL.filter((key) => key.length > 1 && isAnother(key));
    // It takes what was found, as keys do that are none, and is the one that people know for it.
    expect(search).toStrictEqual([...keys, 'Escape'].sort());
  });

  test('has those that answer what a big paste asks', () => {
    const asked = typing([{ paste: Array.from({ length: 7 }, (_, at) => `line ${at}`).join('\n') }]).editor;
    expect(asked.question).toBeDefined();
    const answers = ALL.filter((key) => {
      const { editor, effects } = press(asked, key);
      return editor.question === undefined || effects.length > 0;
    });
    expect(question).toStrictEqual(answers.sort());
  });
});
