import { step } from '../../src/terminal/editor/editor.js';
import type { Input } from '../../src/terminal/editor/keys.js';
import { type Editor, type Effect, newEditor, type Surroundings } from '../../src/terminal/editor/state.js';

/** What a test types: text as it is, keys by their names in `<>`, a paste as `{ paste }`. */
export type Typed = string | { readonly paste: string };

const NAMED = /<([CMS]-(?:[^>]+|>)|[A-Z]\w+)>/;

const inputsOf = (typed: Typed): readonly Input[] =>
  typeof typed === 'string'
    ? typed
        .split(NAMED)
        .flatMap((part, at): readonly Input[] =>
          at % 2 === 1 ? [{ type: 'key', name: part }] : Array.from(part, (text) => ({ type: 'text', text })),
        )
    : [{ type: 'paste', text: typed.paste, cut: false }];

/** An input line, and all that came of what was typed into it. */
export interface Outcome {
  readonly editor: Editor;
  readonly effects: readonly Effect[];
  /** The draft, with `|` where the cursor is. */
  readonly draft: string;
  readonly entered: readonly string[];
}

export const AROUND: Surroundings = {
  complete: (word, before) =>
    (before === '' ? ['/help ', '/history ', 'bob: ', 'bea: '] : ['bob', 'bea']).filter((each) =>
      each.startsWith(word),
    ),
  literal: (line) => (line.startsWith('/') ? `/${line}` : line),
};

export const typing = (typed: readonly Typed[], from: Editor = newEditor([])): Outcome => {
  let editor = from;
  const effects: Effect[] = [];
  for (const input of typed.flatMap(inputsOf)) {
    const next = step(editor, input, AROUND);
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
