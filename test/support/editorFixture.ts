import { applyInput } from '../../src/terminal/editor/editor.js';
import type { EditorInput } from '../../src/terminal/editor/keyReader.js';
import {
  type EditorState,
  type EditorEffect,
  createEditor,
  type EditorContext,
} from '../../src/terminal/editor/state.js';

/** Typed input: text as it is, keys by their names in `<>`, a paste as `{ paste }`. */
export type TypedInput = string | { readonly paste: string };

const KEY_NAME = /<([CMS]-(?:[^>]+|>)|[A-Z]\w+)>/;

const inputsOf = (typed: TypedInput): readonly EditorInput[] =>
  typeof typed === 'string'
    ? typed
        .split(KEY_NAME)
        .flatMap((part, at): readonly EditorInput[] =>
          at % 2 === 1 ? [{ type: 'key', name: part }] : Array.from(part, (text) => ({ type: 'text', text })),
        )
    : [{ type: 'paste', text: typed.paste, cut: false }];

/** The state of an input line, and the effects of all typed input. */
export interface EditorResult {
  readonly editor: EditorState;
  readonly effects: readonly EditorEffect[];
  /** The draft, with `|` at the cursor. */
  readonly draft: string;
  readonly entered: readonly string[];
}

export const EDITOR_CONTEXT: EditorContext = {
  complete: (word, before) =>
    (before === '' ? ['/help ', '/history ', 'bob: ', 'bea: '] : ['bob', 'bea']).filter((each) =>
      each.startsWith(word),
    ),
  escapeCommand: (line) => (line.startsWith('/') ? `/${line}` : line),
};

export const typeInto = (
  typed: readonly TypedInput[],
  from: EditorState = createEditor([]),
): EditorResult => {
  let editor = from;
  const effects: EditorEffect[] = [];
  for (const input of typed.flatMap(inputsOf)) {
    const next = applyInput(editor, input, EDITOR_CONTEXT);
    editor = next.editor;
    effects.push(...next.effects);
  }
  const { text, cursor } = editor.draft;
  return {
    editor,
    effects,
    draft: `${text.slice(0, cursor)}|${text.slice(cursor)}`,
    entered: effects.flatMap((each) => (each.type === 'enter' ? [each.text] : [])),
  };
};
