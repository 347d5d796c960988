import type { Complete, Completion } from './completion.js';
import { type Draft, EMPTY_DRAFT } from './draft.js';
import { type Past, pastOf } from './history.js';
import { EMPTY_RING, type KillRing } from './killRing.js';
import type { Question } from './paste.js';
import type { Search } from './search.js';

/** All that the input line is. */
export interface Editor {
  readonly draft: Draft;
  readonly past: Past;
  readonly ring: KillRing;
  /** Drafts to go back to, the newest last. */
  readonly undo: readonly Draft[];
  readonly search: Search | undefined;
  readonly question: Question | undefined;
  /** What to tell the person, until the next key. */
  readonly notice: Notice | undefined;
  /** What the last key has begun, and any other one ends. */
  readonly begun: Begun;
}

export interface Begun {
  /** The column that going up and down keeps to. */
  readonly column?: number;
  readonly completion?: Completion;
  /** What was typed goes on: it is undone as one. */
  readonly typing?: true;
  /** C-x came. */
  readonly prefix?: true;
  /** C-c came, and there was nothing to clear. */
  readonly leaving?: true;
}

export type Notice = 'leave' | 'pasting' | 'pasting-long' | 'paste-cut' | 'paste-waits' | 'full' | 'not-utf8';

/** What has to be done about a key besides changing the state. */
export type Effect =
  | { readonly type: 'enter'; readonly text: string }
  /** Something to remember for another time. */
  | { readonly type: 'keep'; readonly text: string }
  | { readonly type: 'edit' | 'leave' | 'suspend' | 'clear' };

/** What follows from a key. */
export interface Step {
  readonly editor: Editor;
  readonly effects: readonly Effect[];
}

/** What keys need to know of where they are. */
export interface Surroundings {
  readonly complete: Complete;
  /** How a pasted line is entered so that nothing but saying it can be meant. */
  readonly literal: (line: string) => string;
}

export const newEditor = (entries: readonly string[]): Editor => ({
  draft: EMPTY_DRAFT,
  past: pastOf(entries),
  ring: EMPTY_RING,
  undo: [],
  search: undefined,
  question: undefined,
  notice: undefined,
  begun: {},
});
