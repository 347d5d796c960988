import type { Complete, Completion } from './completion.js';
import { type Draft, EMPTY_DRAFT, type PasteQuestion } from './draft.js';
import { type EditorHistory, createHistory, type Search } from './history.js';

/** Recently cut texts, the newest last. Consecutive cuts form a single text. */
interface KillRing {
  readonly texts: readonly string[];
  /** Whether the last key cut something. */
  readonly isKilling: boolean;
  /** Text that the last key yanked: its range in the draft and its index in the ring. */
  readonly lastYank: { readonly from: number; readonly to: number; readonly which: number } | undefined;
}

const MAX_KILLS = 30;

/** Kill ring without text. */
const EMPTY_RING: KillRing = { texts: [], isKilling: false, lastYank: undefined };

/** Adds a text that was cut before or after the cursor. */
export const addKill = (ring: KillRing, text: string, from: 'before' | 'behind'): KillRing => {
  if (text === '') return { ...ring, isKilling: ring.isKilling };
  const last = ring.isKilling ? (ring.texts.at(-1) ?? '') : '';
  const others = ring.isKilling ? ring.texts.slice(0, -1) : ring.texts;
  return {
    texts: [...others, from === 'before' ? text + last : last + text].slice(-MAX_KILLS),
    isKilling: true,
    lastYank: undefined,
  };
};

/** State of the input line. */
export interface EditorState {
  readonly draft: Draft;
  readonly history: EditorHistory;
  readonly ring: KillRing;
  /** Earlier drafts for undo, the newest last. */
  readonly undo: readonly Draft[];
  readonly search: Search | undefined;
  readonly question: PasteQuestion | undefined;
  /** Notice to show until the next key. */
  readonly notice: EditorNotice | undefined;
  /** State that the last key set and any other key clears. */
  readonly pending: PendingKeys;
}

/** State that lasts until the next key. */
export interface PendingKeys {
  /** Column that moving up and down keeps. */
  readonly column?: number;
  readonly completion?: Completion;
  /** Whether typing continues; it is undone as a unit. */
  readonly isTyping?: true;
  /** Whether C-x was pressed. */
  readonly hasPrefix?: true;
  /** Whether C-c was pressed with an empty draft. */
  readonly isLeaving?: true;
}

/** Notice below the input line, by its cause. */
export type EditorNotice =
  'leave' | 'pasting' | 'pasting-long' | 'paste-cut' | 'paste-waits' | 'full' | 'not-utf8';

/** Side effect of a key. */
export type EditorEffect =
  | { readonly type: 'enter'; readonly text: string }
  /** Text to add to the saved history. */
  | { readonly type: 'keep'; readonly text: string }
  | { readonly type: 'edit' | 'leave' | 'suspend' | 'clear' };

/** Result of a key: the new state and the effects to run. */
export interface EditorStep {
  readonly editor: EditorState;
  readonly effects: readonly EditorEffect[];
}

/** Context that key commands need. */
export interface EditorContext {
  readonly complete: Complete;
  /** Escapes a pasted line so that it can only be a message, never a command. */
  readonly escapeCommand: (line: string) => string;
}

/** Creates an empty input line with these entries as its history. */
export const createEditor = (entries: readonly string[]): EditorState => ({
  draft: EMPTY_DRAFT,
  history: createHistory(entries),
  ring: EMPTY_RING,
  undo: [],
  search: undefined,
  question: undefined,
  notice: undefined,
  pending: {},
});
