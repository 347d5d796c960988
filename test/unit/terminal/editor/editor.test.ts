import { describe, expect, test } from '@jest/globals';
import { replaceText } from '../../../../src/terminal/editor/editor.js';
import { createEditor } from '../../../../src/terminal/editor/state.js';
import { type TypedInput, typeInto } from '../../../support/editorFixture.js';

const draft = (...typed: readonly TypedInput[]): string => typeInto(typed).draft;
const FAMILY = '👨‍👩‍👧‍👦';

describe('moving and changing', () => {
  test.each([
    ['hello', 'hello|'],
    ['hello<C-a>', '|hello'],
    ['hello<Home>x', 'x|hello'],
    ['hello<C-a><C-e>x', 'hellox|'],
    ['hello<C-b><C-b>x', 'helx|lo'],
    ['hello<Left><Left><Right>x', 'hellx|o'],
    ['hello<Home><C-f>x', 'hx|ello'],
    ['one two  three<M-b>', 'one two  |three'],
    ['one two  three<M-b><M-b>', 'one |two  three'],
    ['one, two<C-a><M-f>', 'one|, two'],
    ['one, two<C-a><C-Right><C-Right>', 'one, two|'],
    ['hello<C-h>', 'hell|'],
    ['hello<Backspace><Backspace>', 'hel|'],
    ['hello<C-a><C-d>', '|ello'],
    ['hello<C-a><Delete>', '|ello'],
    ['<Backspace><Left><C-a><C-w><C-k><C-y><M-y><C-t><C-_><M-b><Up><Down>x', 'x|'],
    ['ab<C-t>', 'ba|'],
    ['abc<Left><C-t>', 'acb|'],
    ['abc<C-a><C-t>', '|abc'],
    [`a${FAMILY}b<Left><Left>`, `a|${FAMILY}b`],
    [`a${FAMILY}b<Left><Backspace>`, 'a|b'],
    ['e\u0301x<Left><Left>', '|e\u0301x'],
    ['日本<Left>x', '日x|本'],
  ])('%s', (typed, expected) => {
    expect(draft(typed)).toBe(expected);
  });
});

describe('cutting and putting back', () => {
  test.each([
    ['one two<C-w><C-y><C-y>', 'one twotwo|'],
    ['one two<C-w><C-w><C-y>', 'one two|'],
    ['a/b c/d<C-w>', 'a/b |'],
    ['a/b c/d<M-Backspace>', 'a/b c/|'],
    ['one two<C-a><M-d><M-d><C-y>', 'one two|'],
    ['one two<C-u><C-y>!', 'one two!|'],
    ['one two<M-b><C-k><C-a><C-y>', 'two|one '],
    ['one<C-u>two<C-u><C-y><M-y>', 'one|'],
    ['one<C-u>two<C-u><C-y><M-y><M-y>', 'two|'],
    ['one<C-u>two<C-u><C-y>x<M-y>', 'twox|'],
    ['one two<C-w>x<C-w><C-y><M-y>', 'one two|'],
    ['one<M-Enter>two<C-u><C-k>', 'one\n|'],
    ['one<M-Enter>two<Up><C-e><C-k>', 'one|two'],
  ])('%s', (typed, expected) => {
    expect(draft(typed)).toBe(expected);
  });

  test.each([
    ['one two<C-_>', 'one |'],
    ['one two<C-_><C-_>', '|'],
    ['one two<C-w><C-_>', 'one two|'],
    ['one<C-u>two<C-x><C-u>', '|'],
  ])('undone: %s', (typed, expected) => {
    expect(draft(typed)).toBe(expected);
  });
});

describe('several lines', () => {
  test('Alt-Enter begins another, and Enter enters all', () => {
    expect(draft('one<M-Enter>two')).toBe('one\ntwo|');
    expect(typeInto(['one<M-Enter>two<Enter>']).entered).toStrictEqual(['one\ntwo']);
  });

  test.each([
    ['one<M-Enter>two<Up>', 'one|\ntwo'],
    ['one<M-Enter>two<C-p><C-a><C-n>x', 'one\nx|two'],
    ['one<M-Enter>t<Up><Down>', 'one\nt|'],
    ['long<M-Enter>s<M-Enter>long<Up><Up>', 'long|\ns\nlong'],
    ['日本<M-Enter>abc<Up>', '日|本\nabc'],
    ['one<M-Enter>two<C-a>', 'one\n|two'],
    ['one<M-Enter>two<Up><C-e>', 'one|\ntwo'],
    ['one<M-Enter><M-Enter>two<Up>', 'one\n|\ntwo'],
  ])('%s', (typed, expected) => {
    expect(draft(typed)).toBe(expected);
  });
});

describe('what was entered before', () => {
  test('comes back, and the draft is kept meanwhile', () => {
    expect(draft('one<Enter>two<Enter>half<Up>')).toBe('two|');
    expect(draft('one<Enter>two<Enter>half<Up><Up><Up>')).toBe('one|');
    expect(draft('one<Enter>two<Enter>half<Left><Up><Up><Down><Down>')).toBe('hal|f');
    expect(draft('one<Enter>two<Enter>half<M-<>')).toBe('one|');
    expect(draft('one<Enter>two<Enter>half<M-<><M->>')).toBe('half|');
  });

  test('is what is kept, and nothing twice', () => {
    const { editor, effects } = typeInto(['a<Enter>a<Enter> b<Enter>  <Enter><Enter>']);
    expect(editor.history.entries).toStrictEqual(['a', ' b']);
    expect(effects.filter(({ type }) => type === 'enter')).toHaveLength(3);
    expect(effects.filter(({ type }) => type === 'keep')).toHaveLength(3);
  });

  test('of an earlier run is there, a thousand of it', () => {
    const from = createEditor(Array.from({ length: 2000 }, (_, n) => `n${n}`));
    expect(from.history.entries).toHaveLength(1000);
    expect(typeInto(['<Up>'], from).draft).toBe('n1999|');
    expect(typeInto(['x<Enter><M-<>'], from).draft).toBe('n1001|');
  });
});

describe('searching', () => {
  const from = createEditor(['apple pie', 'banana', 'apple cake', 'cherry']);
  const search = (typed: string) => typeInto([typed], from);

  test('finds the newest, and the ones before', () => {
    expect(search('<C-r>apple<Escape>').draft).toBe('apple| cake');
    expect(search('<C-r>apple<C-r><Escape>').draft).toBe('apple| pie');
    expect(search('<C-r>apple<C-r><C-r><Escape>').draft).toBe('apple| pie');
    expect(search('<C-r>apple<C-r><C-s><Escape>').draft).toBe('apple| cake');
    expect(search('<C-r>applex<Backspace><Backspace><Escape>').draft).toBe('appl|e cake');
  });

  test('Enter enters what was found, other keys go on with it', () => {
    expect(search('<C-r>bana<Enter>').entered).toStrictEqual(['banana']);
    expect(search('<C-r>bana<C-e>!').draft).toBe('banana!|');
    expect(search('<C-r>bana<Up>').draft).toBe('apple pie|');
  });

  test.each(['<C-g>', '<C-c>'])('%s leaves it, and the draft is as it was', (key) => {
    expect(search(`half<Left><C-r>bana${key}`).draft).toBe('hal|f');
  });

  test('what there is not is said, and enters nothing', () => {
    expect(search('<C-r>zzz').editor.search?.hasFailed).toBe(true);
    expect(search('half<C-r>zzz<Escape>').draft).toBe('half|');
    expect(search('half<C-r>bana<Escape><Down><Down><Down>').draft).toBe('half|');
  });
});

describe('the Tab key', () => {
  test.each([
    ['/he<Tab>', '/help |'],
    ['/h<Tab><Tab>', '/history |'],
    ['/h<Tab><Tab><Tab>', '/help |'],
    ['/h<S-Tab>', '/history |'],
    ['b<Tab>', 'bob: |'],
    ['b<Tab><Tab>hi', 'bea: hi|'],
    ['say b<Tab>', 'say bob|'],
    ['(b<Tab>', '(bob|'],
    ['say @b<Tab><Tab>', 'say @bea|'],
    ['(„b<Tab>', '(„bob|'],
    ['(<Tab>', '(bob|'],
    ['(x<Tab>', '(x|'],
    ['say bx<Left><Tab>', 'say bob|x'],
    ['x<Tab>', 'x|'],
    ['b<Tab><C-_>', 'b|'],
  ])('%s', (typed, expected) => {
    expect(draft(typed)).toBe(expected);
  });
});

describe('what is pasted', () => {
  const lines = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}`).join('\n');

  test('goes into the draft, and never sends by itself', () => {
    const { draft: after, effects } = typeInto(['<<', { paste: 'one\r\ntwo\r' }, '>>']);
    expect([after, effects]).toStrictEqual(['<<one\ntwo>>|', []]);
    expect(typeInto([{ paste: lines(5) }]).draft).toBe(`${lines(5)}|`);
  });

  test('is asked about when it is much', () => {
    for (const paste of [lines(6), 'x'.repeat(4097), '日'.repeat(1400)]) {
      const { editor, draft: after, effects } = typeInto(['half', { paste }]);
      expect(editor.question?.pasted).toBe(paste);
      expect([after, effects]).toStrictEqual(['half|', []]);
    }
  });

  const requested = (...answer: readonly TypedInput[]) =>
    typeInto(['AZ<Left>', { paste: lines(6) }, ...answer]);

  test('1: one block', () => {
    expect(requested('1')).toMatchObject({ draft: '|', entered: [`A${lines(6)}Z`] });
  });
  test('2: a message a line', () => {
    const entered = ['Aline 1', 'line 2', 'line 3', 'line 4', 'line 5', 'line 6Z'];
    expect(requested('2')).toMatchObject({ draft: '|', entered });
  });
  test('3: into the draft', () => {
    expect(requested('3')).toMatchObject({ draft: `A${lines(6)}|Z`, entered: [] });
  });
  test.each(['4', '<Escape>', '<C-c>', '<C-g>'])('%s: nothing', (key) => {
    expect(requested(key)).toMatchObject({ draft: 'A|Z', entered: [] });
  });

  test('whatever else is typed meanwhile goes nowhere', () => {
    const typed = requested('because <Enter>', { paste: 'more' }, '<Up><Tab><Backspace>');
    expect(typed).toMatchObject({ draft: 'A|Z', entered: [] });
    expect(typed.editor.question).toBeDefined();
    expect(requested('hello<Enter>4!').draft).toBe('A!|Z');
  });

  test('is said as it is, whatever it begins with', () => {
    const paste = ['/quit', '/etc', '', 'x', 'y', 'z'].join('\n');
    expect(typeInto([{ paste }, '2']).entered).toStrictEqual(['//quit', '//etc', 'x', 'y', 'z']);
    expect(typeInto([{ paste }, '1']).entered).toStrictEqual([`/${paste}`]);
    expect(typeInto(['/me ', { paste }, '1']).entered).toStrictEqual([`/me ${paste}`]);
  });

  test('what no message could hold is not offered as one', () => {
    const paste = 'x'.repeat(70_000);
    const { editor } = typeInto([{ paste }, '123']);
    expect(editor.question?.fitsDraft).toBe(false);
    expect(typeInto([{ paste }, '4x']).draft).toBe('x|');
  });
});

describe('leaving', () => {
  const last = (typed: string) => typeInto([typed]).effects.at(-1)?.type;

  test('Ctrl-C clears the draft, which can be had again; then it asks; then it leaves', () => {
    expect(typeInto(['half<C-c>'])).toMatchObject({ draft: '|', entered: [] });
    expect(draft('half<C-c><Up>')).toBe('half|');
    expect(typeInto(['half<C-c><C-c>']).editor.notice).toBe('leave');
    expect(last('half<C-c><C-c>')).toBe('keep');
    expect(last('half<C-c><C-c><C-c>')).toBe('leave');
    expect(last('<C-c><C-c>')).toBe('leave');
  });

  test('any other key takes it back', () => {
    expect(last('<C-c><Up><C-c>')).toBeUndefined();
    expect(typeInto(['<C-c>x']).editor.notice).toBeUndefined();
  });

  test('Ctrl-D leaves where there is no draft', () => {
    expect(last('<C-d>')).toBe('leave');
    expect(last('x<C-d>')).toBeUndefined();
  });
});

test('an editor is asked for, and what comes from there is the draft', () => {
  const { editor, effects } = typeInto(['half<C-x><C-e>']);
  expect(effects).toStrictEqual([{ type: 'edit' }]);
  const { draft: after } = replaceText(editor, 'whole\ntext');
  expect(after).toStrictEqual({ text: 'whole\ntext', cursor: 10 });
  expect(typeInto(['<C-_>'], replaceText(editor, 'x')).draft).toBe('half|');
  expect(draft('a<C-x>b')).toBe('ab|');
});

test('a draft has an end', () => {
  const { editor } = typeInto([{ paste: 'x'.repeat(65_535) }, '3', 'ab']);
  expect(editor.draft.text).toHaveLength(65_536);
  expect(editor.notice).toBe('full');
});
