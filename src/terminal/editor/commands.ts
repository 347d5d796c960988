import { completed } from './completion.js';
import {
  after,
  before,
  columnOf,
  type Draft,
  EMPTY_DRAFT,
  inserted,
  lineEnd,
  lineStart,
  moved,
  transposed,
  vertical,
  without,
  wordEnd,
  wordStart,
} from './draft.js';
import { remembered, travelled } from './history.js';
import { cut } from './killRing.js';
import { startSearch } from './search.js';
import type { Begun, Editor, Effect, Step, Surroundings } from './state.js';

/** What a key does; the editor that it gets has ended what the key before has begun, which is beside it. */
export type Command = (editor: Editor, begun: Begun, around: Surroundings) => Editor | Step;

const UNDO_LIMIT = 100;

/** With another draft, to which one can go back. */
export const changed = (editor: Editor, draft: Draft): Editor =>
  draft.text === editor.draft.text
    ? { ...editor, draft }
    : { ...editor, draft, undo: [...editor.undo, editor.draft].slice(-UNDO_LIMIT) };

const effect = (editor: Editor, ...effects: readonly Effect[]): Step => ({ editor, effects });

const move =
  (to: (text: string, cursor: number) => number): Command =>
  (editor) => ({ ...editor, draft: moved(editor.draft, to(editor.draft.text, editor.draft.cursor)) });

const remove =
  (to: (text: string, cursor: number) => number): Command =>
  (editor) => {
    const { text, cursor } = editor.draft;
    const [from = 0, end = 0] = [cursor, to(text, cursor)].sort((a, b) => a - b);
    return changed(editor, without(editor.draft, from, end));
  };

const kill =
  (to: (text: string, cursor: number) => number): Command =>
  (editor, begun, around) => {
    const { text, cursor } = editor.draft;
    const other = to(text, cursor);
    const [from = 0, end = 0] = [cursor, other].sort((a, b) => a - b);
    const ring = cut(editor.ring, text.slice(from, end), other < cursor ? 'before' : 'behind');
    return { ...(remove(to)(editor, begun, around) as Editor), ring };
  };

const yank =
  (back: boolean): Command =>
  (editor) => {
    const { texts, yanked } = editor.ring;
    if (back && yanked === undefined) return editor;
    const which = back ? ((yanked?.which ?? 0) + texts.length - 1) % texts.length : texts.length - 1;
    const text = texts[which];
    if (text === undefined) return editor;
    const draft = back && yanked !== undefined ? without(editor.draft, yanked.from, yanked.to) : editor.draft;
    const next = inserted(draft, text);
    return {
      ...changed(editor, next),
      ring: {
        texts,
        cutting: false,
        yanked: { from: draft.cursor, to: draft.cursor + next.text.length - draft.text.length, which },
      },
    };
  };

const travel =
  (by: number): Command =>
  (editor) => {
    const there = travelled(editor.past, by, editor.draft);
    return there === undefined ? editor : { ...editor, ...there, undo: [] };
  };

/** A line up or down; out of the draft, and into what was entered before. */
const upDown =
  (by: -1 | 1): Command =>
  (editor, begun, around) => {
    const column = begun.column ?? columnOf(editor.draft);
    const draft = vertical(editor.draft, by, column);
    return draft === undefined ? travel(by)(editor, begun, around) : { ...editor, draft, begun: { column } };
  };

const tab =
  (by: -1 | 1): Command =>
  (editor, begun, { complete }) => {
    const next = completed(editor.draft, complete, begun.completion, by);
    if (next === undefined) return editor;
    return { ...changed(editor, next.draft), begun: { completion: next.completion } };
  };

const undo: Command = (editor) => {
  const draft = editor.undo.at(-1);
  return draft === undefined ? editor : { ...editor, draft, undo: editor.undo.slice(0, -1) };
};

/** The draft goes, and can be found again in what was before. */
export const cleared = (editor: Editor, ...effects: readonly Effect[]): Step => {
  const { text } = editor.draft;
  const isBlank = text.trim() === '';
  const past = remembered(editor.past, isBlank ? '' : text);
  return {
    editor: { ...editor, draft: EMPTY_DRAFT, past, undo: [] },
    effects: isBlank ? effects : [...effects, { type: 'keep', text }],
  };
};

export const enter = (editor: Editor): Step => {
  const { text } = editor.draft;
  if (text.trim() === '') return cleared(editor);
  return cleared(editor, { type: 'enter', text });
};

const interrupt: Command = (editor, { leaving }) => {
  if (editor.draft.text !== '') return cleared(editor);
  if (leaving === true) return effect(editor, { type: 'leave' });
  return { ...editor, notice: 'leave', begun: { leaving: true } };
};

const newline: Command = (editor) => changed(editor, inserted(editor.draft, '\n'));

const NO_SPACE = /\S/;

const start = move(lineStart);
const end = move(lineEnd);
const left = move(before);
const right = move(after);
const back = move((text, at) => wordStart(text, at));
const forth = move(wordEnd);
const killWordBack = kill((text, at) => wordStart(text, at));

/** Which key does what. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  'C-a': start,
  'C-b': left,
  'C-c': interrupt,
  'C-d': (editor, begun, around) =>
    editor.draft.text === '' ? effect(editor, { type: 'leave' }) : remove(after)(editor, begun, around),
  'C-e': end,
  'C-f': right,
  'C-g': (editor) => editor,
  'C-h': remove(before),
  'C-k': kill((text, at) => (lineEnd(text, at) === at ? after(text, at) : lineEnd(text, at))),
  'C-l': (editor) => effect(editor, { type: 'clear' }),
  'C-n': upDown(1),
  'C-p': upDown(-1),
  'C-r': (editor) => ({ ...editor, search: startSearch() }),
  'C-t': (editor) => changed(editor, transposed(editor.draft)),
  'C-u': kill(lineStart),
  'C-w': kill((text, at) => wordStart(text, at, NO_SPACE)),
  'C-x': (editor) => ({ ...editor, begun: { prefix: true } }),
  'C-y': yank(false),
  'C-z': (editor) => effect(editor, { type: 'suspend' }),
  'C-_': undo,
  'M-b': back,
  'M-d': kill(wordEnd),
  'M-f': forth,
  'M-y': yank(true),
  'M-<': travel(-Infinity),
  'M->': travel(Infinity),
  'M-Enter': newline,
  'M-Backspace': killWordBack,
  Enter: enter,
  Backspace: remove(before),
  Delete: remove(after),
  Tab: tab(1),
  'S-Tab': tab(-1),
  Up: upDown(-1),
  Down: upDown(1),
  Left: left,
  Right: right,
  Home: start,
  End: end,
  'C-Left': back,
  'C-Right': forth,
  'M-Left': back,
  'M-Right': forth,
};

/** Keys behind C-x. */
export const PREFIXED: Readonly<Record<string, Command>> = {
  'C-e': (editor) => effect(editor, { type: 'edit' }),
  'C-u': undo,
};
