import { changed, cleared, COMMANDS, enter, PREFIXED } from './commands.js';
import { draftOf, EMPTY_DRAFT, inserted } from './draft.js';
import { remembered } from './history.js';
import type { Input } from './input.js';
import { oneBlock, pastedText, questionOf } from './paste.js';
import { behindMatch, searchFor, searchOn } from './search.js';
import type { Begun, Editor, Effect, Notice, Step, Surroundings } from './state.js';

/** What a key, typed text or a paste makes of the input line, and what is to be done besides. Pure. */
export const step = (editor: Editor, input: Input, around: Surroundings): Step => {
  if (input.type === 'pasting') return done(tell(editor, input.long ? 'pasting-long' : 'pasting'));
  const next = settled(editor);
  if (editor.question !== undefined) return answer(next, input, around);
  if (input.type === 'paste') return paste(next, input, around);
  if (editor.search !== undefined) return searching(next, editor.begun, input, around);
  return plain(next, editor.begun, input, around);
};

/** Without what the last key has begun. */
const settled = (editor: Editor): Editor => ({ ...editor, notice: undefined, begun: {} });

type Pressed = Exclude<Input, { type: 'pasting' }>;

const plain = (editor: Editor, begun: Begun, input: Pressed, around: Surroundings): Step => {
  if (input.type === 'text') return done(typed(apart(editor), begun, input.text));
  if (input.type === 'paste') return done(editor);
  const command = (begun.prefix === true ? PREFIXED : COMMANDS)[input.name];
  if (command === undefined) return done(editor);
  const next = command(editor, begun, around);
  const result = 'effects' in next ? next : done(next);
  // What is cut goes together only where one cut follows the other, and what is put back is changed only at once.
  const isKept = result.editor.ring !== editor.ring;
  return isKept ? result : { ...result, editor: apart(result.editor) };
};

const done = (editor: Editor): Step => ({ editor, effects: [] });

const apart = (editor: Editor): Editor =>
  editor.ring.cutting || editor.ring.yanked !== undefined
    ? { ...editor, ring: { ...editor.ring, cutting: false, yanked: undefined } }
    : editor;

const typed = (editor: Editor, begun: Begun, text: string): Editor => {
  const draft = inserted(editor.draft, text);
  if (draft.text === editor.draft.text) return tell(editor, 'full');
  if (text === '\ufffd') return tell(changed(editor, draft), 'not-utf8');
  const next = begun.typing === true ? { ...editor, draft } : changed(editor, draft);
  // A word is undone at a time.
  return text === ' ' ? next : { ...next, begun: { typing: true } };
};

const tell = (editor: Editor, notice: Notice): Editor => ({ ...editor, notice });

const paste = (
  before: Editor,
  { text, cut, unfinished }: Extract<Input, { type: 'paste' }>,
  { literal }: Surroundings,
): Step => {
  const editor: Editor = { ...apart(before), search: undefined };
  if (cut) return done(tell(editor, 'paste-cut'));
  const pasted = pastedText(text);
  if (unfinished === true && pasted === '') return done(editor);
  const question = questionOf(editor.draft, pasted, literal, unfinished === true);
  if (question !== undefined) return done({ ...editor, question });
  const draft = inserted(editor.draft, pasted);
  const isWhole = draft.text.length === editor.draft.text.length + pasted.length;
  return done(isWhole ? changed(editor, draft) : tell(editor, 'full'));
};

/** Only a key that answers does anything; what is typed goes nowhere. */
const answer = (editor: Editor, input: Pressed, { literal }: Surroundings): Step => {
  const { question, draft } = editor;
  if (question === undefined) return done(editor);
  const free: Editor = { ...editor, question: undefined };
  const said = input.type === 'text' ? input.text : input.type === 'key' ? input.name : '';
  switch (said) {
    case '1':
      if (!question.fits) return done(editor);
      return enter({ ...free, draft: draftOf(oneBlock(draft, question.pasted, literal)) });
    case '2':
      return question.messages.length > 1 ? enterAll(free, question.messages) : done(editor);
    case '3':
      return question.fits ? done(changed(free, inserted(draft, question.pasted))) : done(editor);
    case '4':
    case 'Escape':
    case 'C-c':
    case 'C-g':
      return done(free);
    case 'C-z':
      return { editor, effects: [{ type: 'suspend' }] };
    default:
      return done(input.type === 'paste' ? tell(editor, 'paste-waits') : editor);
  }
};

const enterAll = (editor: Editor, messages: readonly string[]): Step => {
  const effects = messages.map((text): Effect => ({ type: 'enter', text }));
  // They would push out what one has written oneself.
  return { editor: { ...editor, draft: EMPTY_DRAFT, past: remembered(editor.past, ''), undo: [] }, effects };
};

const searching = (editor: Editor, begun: Begun, input: Pressed, around: Surroundings): Step => {
  const { search, past } = editor;
  if (search === undefined || input.type === 'paste') return done(editor);
  const go = (next: typeof search): Step => done({ ...editor, search: next });
  if (input.type === 'text') return go(searchFor(past.entries, search, search.query + input.text));
  switch (input.name) {
    case 'C-r':
      return go(searchOn(past.entries, search, -1));
    case 'C-s':
      return go(searchOn(past.entries, search, 1));
    case 'Backspace':
    case 'C-h':
      return go(searchFor(past.entries, search, Array.from(search.query).slice(0, -1).join('')));
    case 'C-c':
    case 'C-g':
      return done({ ...editor, search: undefined });
    case 'Escape':
      return done(found(editor));
    default:
      // Any other key is for what was found.
      return plain(found(editor), begun, input, around);
  }
};

/** What a search has found, as the draft; that which was is kept where history goes back to. */
const found = (editor: Editor): Editor => {
  const { search, past, draft } = editor;
  const entry = search?.at === undefined ? undefined : past.entries[search.at];
  if (search?.at === undefined || entry === undefined) return { ...editor, search: undefined };
  const left = past.at === past.entries.length ? draft : past.left;
  return {
    ...editor,
    search: undefined,
    draft: draftOf(entry, behindMatch(entry, search.query)),
    past: { ...past, at: search.at, left },
    undo: [],
  };
};

/** With a text that was written elsewhere as the draft. */
export const rewritten = (editor: Editor, text: string): Editor =>
  changed(settled(editor), inserted(EMPTY_DRAFT, text));

/** What is left of a draft when all ends: in what was entered before. */
export const given = (editor: Editor): Step => cleared(settled(editor));
