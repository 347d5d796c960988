import { completeNext } from './completion.js';
import {
  nextGrapheme,
  previousGrapheme,
  columnOf,
  type Draft,
  EMPTY_DRAFT,
  insertText,
  lineEnd,
  lineStart,
  moveCursor,
  transpose,
  moveVertically,
  removeRange,
  wordEnd,
  wordStart,
} from './draft.js';
import { addToHistory, moveInHistory, startSearch } from './history.js';
import {
  addKill,
  type PendingKeys,
  type EditorState,
  type EditorEffect,
  type EditorStep,
  type EditorContext,
} from './state.js';

/** Command of a key. `begun` has the pending keys before it, which the given editor no longer contains. */
type EditorCommand = (
  editor: EditorState,
  pendingKeys: PendingKeys,
  around: EditorContext,
) => EditorState | EditorStep;

const UNDO_LIMIT = 100;

/** Changes the draft, so that undo can restore the old draft. */
export const withDraft = (editor: EditorState, draft: Draft): EditorState =>
  draft.text === editor.draft.text
    ? { ...editor, draft }
    : { ...editor, draft, undo: [...editor.undo, editor.draft].slice(-UNDO_LIMIT) };

const withEffects = (editor: EditorState, ...effects: readonly EditorEffect[]): EditorStep => ({
  editor,
  effects,
});

const move =
  (to: (text: string, cursor: number) => number): EditorCommand =>
  (editor) => ({ ...editor, draft: moveCursor(editor.draft, to(editor.draft.text, editor.draft.cursor)) });

const remove =
  (to: (text: string, cursor: number) => number): EditorCommand =>
  (editor) => {
    const { text, cursor } = editor.draft;
    const [from = 0, end = 0] = [cursor, to(text, cursor)].sort((a, b) => a - b);
    return withDraft(editor, removeRange(editor.draft, from, end));
  };

const kill =
  (to: (text: string, cursor: number) => number): EditorCommand =>
  (editor, pending, context) => {
    const { text, cursor } = editor.draft;
    const other = to(text, cursor);
    const [from = 0, end = 0] = [cursor, other].sort((a, b) => a - b);
    const ring = addKill(editor.ring, text.slice(from, end), other < cursor ? 'before' : 'behind');
    return { ...(remove(to)(editor, pending, context) as EditorState), ring };
  };

const yank =
  (back: boolean): EditorCommand =>
  (editor) => {
    const { texts, lastYank } = editor.ring;
    if (back && lastYank === undefined) return editor;
    const index = back ? ((lastYank?.which ?? 0) + texts.length - 1) % texts.length : texts.length - 1;
    const text = texts[index];
    if (text === undefined) return editor;
    const draft =
      back && lastYank !== undefined ? removeRange(editor.draft, lastYank.from, lastYank.to) : editor.draft;
    const next = insertText(draft, text);
    return {
      ...withDraft(editor, next),
      ring: {
        texts,
        isKilling: false,
        lastYank: {
          from: draft.cursor,
          to: draft.cursor + next.text.length - draft.text.length,
          which: index,
        },
      },
    };
  };

const moveHistory =
  (by: number): EditorCommand =>
  (editor) => {
    const moved = moveInHistory(editor.history, by, editor.draft);
    return moved === undefined ? editor : { ...editor, ...moved, undo: [] };
  };

/** Moves a line up or down. At the first or last line, moves through the history. */
const upDown =
  (by: -1 | 1): EditorCommand =>
  (editor, pending, context) => {
    const column = pending.column ?? columnOf(editor.draft);
    const draft = moveVertically(editor.draft, by, column);
    return draft === undefined
      ? moveHistory(by)(editor, pending, context)
      : { ...editor, draft, pending: { column } };
  };

const completeBy =
  (by: -1 | 1): EditorCommand =>
  (editor, pending, { complete }) => {
    const next = completeNext(editor.draft, complete, pending.completion, by);
    if (next === undefined) return editor;
    return { ...withDraft(editor, next.draft), pending: { completion: next.completion } };
  };

const undo: EditorCommand = (editor) => {
  const draft = editor.undo.at(-1);
  return draft === undefined ? editor : { ...editor, draft, undo: editor.undo.slice(0, -1) };
};

/** Clears the draft and adds it to the history. */
export const clearDraft = (editor: EditorState, ...effects: readonly EditorEffect[]): EditorStep => {
  const { text } = editor.draft;
  const isBlank = text.trim() === '';
  const past = addToHistory(editor.history, isBlank ? '' : text);
  return {
    editor: { ...editor, draft: EMPTY_DRAFT, history: past, undo: [] },
    effects: isBlank ? effects : [...effects, { type: 'keep', text }],
  };
};

/** Enters the draft, unless it is blank, and clears it. */
export const submit = (editor: EditorState): EditorStep => {
  const { text } = editor.draft;
  if (text.trim() === '') return clearDraft(editor);
  return clearDraft(editor, { type: 'enter', text });
};

const interrupt: EditorCommand = (editor, { isLeaving }) => {
  if (editor.draft.text !== '') return clearDraft(editor);
  if (isLeaving === true) return withEffects(editor, { type: 'leave' });
  return { ...editor, notice: 'leave', pending: { isLeaving: true } };
};

const newline: EditorCommand = (editor) => withDraft(editor, insertText(editor.draft, '\n'));

const NO_SPACE = /\S/;

const start = move(lineStart);
const end = move(lineEnd);
const left = move(previousGrapheme);
const right = move(nextGrapheme);
const wordBack = move((text, at) => wordStart(text, at));
const wordForward = move(wordEnd);
const killWordBack = kill((text, at) => wordStart(text, at));

/** Commands by key. */
export const KEY_BINDINGS: Readonly<Record<string, EditorCommand>> = {
  'C-a': start,
  'C-b': left,
  'C-c': interrupt,
  'C-d': (editor, pendingKeys, around) =>
    editor.draft.text === ''
      ? withEffects(editor, { type: 'leave' })
      : remove(nextGrapheme)(editor, pendingKeys, around),
  'C-e': end,
  'C-f': right,
  'C-g': (editor) => editor,
  'C-h': remove(previousGrapheme),
  'C-k': kill((text, at) => (lineEnd(text, at) === at ? nextGrapheme(text, at) : lineEnd(text, at))),
  'C-l': (editor) => withEffects(editor, { type: 'clear' }),
  'C-n': upDown(1),
  'C-p': upDown(-1),
  'C-r': (editor) => ({ ...editor, search: startSearch() }),
  'C-t': (editor) => withDraft(editor, transpose(editor.draft)),
  'C-u': kill(lineStart),
  'C-w': kill((text, at) => wordStart(text, at, NO_SPACE)),
  'C-x': (editor) => ({ ...editor, pending: { hasPrefix: true } }),
  'C-y': yank(false),
  'C-z': (editor) => withEffects(editor, { type: 'suspend' }),
  'C-_': undo,
  'M-b': wordBack,
  'M-d': kill(wordEnd),
  'M-f': wordForward,
  'M-y': yank(true),
  'M-<': moveHistory(-Infinity),
  'M->': moveHistory(Infinity),
  'M-Enter': newline,
  'M-Backspace': killWordBack,
  Enter: submit,
  Backspace: remove(previousGrapheme),
  Delete: remove(nextGrapheme),
  Tab: completeBy(1),
  'S-Tab': completeBy(-1),
  Up: upDown(-1),
  Down: upDown(1),
  Left: left,
  Right: right,
  Home: start,
  End: end,
  'C-Left': wordBack,
  'C-Right': wordForward,
  'M-Left': wordBack,
  'M-Right': wordForward,
};

/** Commands by key after C-x. */
export const PREFIX_BINDINGS: Readonly<Record<string, EditorCommand>> = {
  'C-e': (editor) => withEffects(editor, { type: 'edit' }),
  'C-u': undo,
};
