import type { Say } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { byId, tell } from './dom.js';
import { refuseFiles } from './files.js';
import { readTyped } from './typed.js';

export interface ComposerOptions {
  /** Says all of it, or answers why it cannot be sent. */
  readonly say: (says: readonly Say[]) => string | undefined;
  /** What was typed and not sent before the page was loaded again. */
  readonly draft: string;
  readonly keepDraft: (draft: string) => void;
  /** The nicks that the Tab key completes. */
  readonly nicks: () => readonly string[];
}

/**
 * Where one types: Enter sends, Shift and Enter begins a line; on touch screens, which have no such keys, Enter begins a
 * line. What is too long for a message can be sent as several.
 */
export const composer = ({ say, draft, keepDraft, nicks }: ComposerOptions): void => {
  const form = byId('say', HTMLFormElement);
  const input = byId('say-text', HTMLTextAreaElement);
  const fault = byId('fault', HTMLElement);
  const split = byId('split', HTMLButtonElement);
  let parts: readonly Say[] | undefined;

  const show = (problem: string | undefined, instead?: readonly Say[]) => {
    tell(fault, problem);
    parts = instead;
    split.hidden = instead === undefined;
    if (instead !== undefined) split.textContent = `Send as ${instead.length} messages`;
  };
  const send = (says: readonly Say[]) => {
    const problem = say(says);
    show(problem);
    if (problem !== undefined) return;
    input.value = '';
    keepDraft('');
  };
  /** Completes the nick that the cursor is behind; whether there was one to complete. */
  const complete = (): boolean => {
    const { value, selectionStart: at, selectionEnd } = input;
    const word = /\S+$/.exec(value.slice(0, at))?.[0] ?? '';
    const nick = word === '' || at !== selectionEnd ? undefined : completed(word, nicks());
    if (nick === undefined) return false;
    input.setRangeText(`${nick}${word.length === at ? ': ' : ' '}`, at - word.length, at, 'end');
    keepDraft(input.value);
    return true;
  };
  const isTouched = window.matchMedia('(pointer: coarse)').matches;
  if (isTouched) input.enterKeyHint = 'enter';
  input.value = draft;

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value.trim() === '') return;
    const typed = readTyped(input.value);
    if ('say' in typed) send([typed.say]);
    else show(typed.problem, typed.parts);
  });
  split.addEventListener('click', () => {
    if (parts !== undefined) send(parts);
    input.focus();
  });
  input.addEventListener('input', () => {
    show(undefined);
    keepDraft(input.value);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && !event.shiftKey && complete()) event.preventDefault();
    // An input method uses Enter for its own.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isTouched) return;
    event.preventDefault();
    form.requestSubmit();
  });
  refuseFiles(() => {
    show('files and pictures cannot be sent here, only text');
  });
  input.focus();
};

/** The nick that a word begins, in whatever case; none if it is one already. */
const completed = (word: string, nicks: readonly string[]): string | undefined =>
  nicks.find((nick) => foldNick(nick).startsWith(foldNick(word)) && nick !== word);
