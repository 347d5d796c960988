import { withDraft, clearDraft, KEY_BINDINGS, submit, PREFIX_BINDINGS } from './keyBindings.js';
import { createDraft, EMPTY_DRAFT, insertText, joinPaste, normalizePaste, pasteQuestion } from './draft.js';
import { addToHistory, afterMatch, searchFor, searchNext } from './history.js';
import type { EditorInput } from './sequences.js';
import type {
  PendingKeys,
  EditorState,
  EditorEffect,
  EditorNotice,
  EditorStep,
  EditorContext,
} from './state.js';

/**
 * Applies a key, typed text or a paste to the input line. Returns the new state and the effects to run. Pure.
 */
export const applyInput = (editor: EditorState, input: EditorInput, context: EditorContext): EditorStep => {
  if (input.type === 'pasting')
    return withoutEffects(withNotice(editor, input.long ? 'pasting-long' : 'pasting'));
  const next = clearPending(editor);
  if (editor.question !== undefined) return answerQuestion(next, input, context);
  if (input.type === 'paste') return applyPaste(next, input, context);
  if (editor.search !== undefined) return applySearchInput(next, editor.pending, input, context);
  return applyPlainInput(next, editor.pending, input, context);
};

/** Clears the notice and the pending keys. */
const clearPending = (editor: EditorState): EditorState => ({ ...editor, notice: undefined, pending: {} });

type KeyInput = Exclude<EditorInput, { type: 'pasting' }>;

const applyPlainInput = (
  editor: EditorState,
  pending: PendingKeys,
  input: KeyInput,
  context: EditorContext,
): EditorStep => {
  if (input.type === 'text') return withoutEffects(insertTyped(endKillSequence(editor), pending, input.text));
  if (input.type === 'paste') return withoutEffects(editor);
  const command = (pending.hasPrefix === true ? PREFIX_BINDINGS : KEY_BINDINGS)[input.name];
  if (command === undefined) return withoutEffects(editor);
  const next = command(editor, pending, context);
  const result = 'effects' in next ? next : withoutEffects(next);
  // Only consecutive cuts are joined, and only the key after a yank can change the yank.
  const isRingChanged = result.editor.ring !== editor.ring;
  return isRingChanged ? result : { ...result, editor: endKillSequence(result.editor) };
};

const withoutEffects = (editor: EditorState): EditorStep => ({ editor, effects: [] });

const endKillSequence = (editor: EditorState): EditorState =>
  editor.ring.isKilling || editor.ring.lastYank !== undefined
    ? { ...editor, ring: { ...editor.ring, isKilling: false, lastYank: undefined } }
    : editor;

const insertTyped = (editor: EditorState, pending: PendingKeys, text: string): EditorState => {
  const draft = insertText(editor.draft, text);
  if (draft.text === editor.draft.text) return withNotice(editor, 'full');
  if (text === '\ufffd') return withNotice(withDraft(editor, draft), 'not-utf8');
  const next = pending.isTyping === true ? { ...editor, draft } : withDraft(editor, draft);
  // Undo works word by word.
  return text === ' ' ? next : { ...next, pending: { isTyping: true } };
};

const withNotice = (editor: EditorState, notice: EditorNotice): EditorState => ({ ...editor, notice });

const applyPaste = (
  previous: EditorState,
  { text, cut, unfinished }: Extract<EditorInput, { type: 'paste' }>,
  { escapeCommand }: EditorContext,
): EditorStep => {
  const editor: EditorState = { ...endKillSequence(previous), search: undefined };
  if (cut) return withoutEffects(withNotice(editor, 'paste-cut'));
  const pasted = normalizePaste(text);
  if (unfinished === true && pasted === '') return withoutEffects(editor);
  const question = pasteQuestion(editor.draft, pasted, escapeCommand, unfinished === true);
  if (question !== undefined) return withoutEffects({ ...editor, question });
  const draft = insertText(editor.draft, pasted);
  const isWhole = draft.text.length === editor.draft.text.length + pasted.length;
  return withoutEffects(isWhole ? withDraft(editor, draft) : withNotice(editor, 'full'));
};

/** Handles the answer to a paste question. Ignores all other keys and text. */
const answerQuestion = (
  editor: EditorState,
  input: KeyInput,
  { escapeCommand }: EditorContext,
): EditorStep => {
  const { question, draft } = editor;
  if (question === undefined) return withoutEffects(editor);
  const answered: EditorState = { ...editor, question: undefined };
  const key = input.type === 'text' ? input.text : input.type === 'key' ? input.name : '';
  switch (key) {
    case '1':
      if (!question.fitsDraft) return withoutEffects(editor);
      return submit({ ...answered, draft: createDraft(joinPaste(draft, question.pasted, escapeCommand)) });
    case '2':
      return question.messages.length > 1 ? submitAll(answered, question.messages) : withoutEffects(editor);
    case '3':
      return question.fitsDraft
        ? withoutEffects(withDraft(answered, insertText(draft, question.pasted)))
        : withoutEffects(editor);
    case '4':
    case 'Escape':
    case 'C-c':
    case 'C-g':
      return withoutEffects(answered);
    case 'C-z':
      return { editor, effects: [{ type: 'suspend' }] };
    default:
      return withoutEffects(input.type === 'paste' ? withNotice(editor, 'paste-waits') : editor);
  }
};

const submitAll = (editor: EditorState, messages: readonly string[]): EditorStep => {
  const effects = messages.map((text): EditorEffect => ({ type: 'enter', text }));
  // Pasted lines would push the user's own entries out of the history.
  return {
    editor: { ...editor, draft: EMPTY_DRAFT, history: addToHistory(editor.history, ''), undo: [] },
    effects,
  };
};

const applySearchInput = (
  editor: EditorState,
  pending: PendingKeys,
  input: KeyInput,
  context: EditorContext,
): EditorStep => {
  const { search, history } = editor;
  if (search === undefined || input.type === 'paste') return withoutEffects(editor);
  const withSearch = (next: typeof search): EditorStep => withoutEffects({ ...editor, search: next });
  if (input.type === 'text') return withSearch(searchFor(history.entries, search, search.query + input.text));
  switch (input.name) {
    case 'C-r':
      return withSearch(searchNext(history.entries, search, -1));
    case 'C-s':
      return withSearch(searchNext(history.entries, search, 1));
    case 'Backspace':
    case 'C-h':
      return withSearch(searchFor(history.entries, search, Array.from(search.query).slice(0, -1).join('')));
    case 'C-c':
    case 'C-g':
      return withoutEffects({ ...editor, search: undefined });
    case 'Escape':
      return withoutEffects(acceptMatch(editor));
    default:
      // Any other key applies to the entry that was found.
      return applyPlainInput(acceptMatch(editor), pending, input, context);
  }
};

/**
 * Makes the entry that was found the draft. Saves the previous draft, to which the user can return from the
 * history.
 */
const acceptMatch = (editor: EditorState): EditorState => {
  const { search, history, draft } = editor;
  const entry = search?.index === undefined ? undefined : history.entries[search.index];
  if (search?.index === undefined || entry === undefined) return { ...editor, search: undefined };
  const savedDraft = history.index === history.entries.length ? draft : history.savedDraft;
  return {
    ...editor,
    search: undefined,
    draft: createDraft(entry, afterMatch(entry, search.query)),
    history: { ...history, index: search.index, savedDraft },
    undo: [],
  };
};

/** Replaces the draft by a text that was written elsewhere. */
export const replaceText = (editor: EditorState, text: string): EditorState =>
  withDraft(clearPending(editor), insertText(EMPTY_DRAFT, text));

/** Clears the draft when the input line closes, and adds it to the history. */
export const closeEditor = (editor: EditorState): EditorStep => clearDraft(clearPending(editor));
