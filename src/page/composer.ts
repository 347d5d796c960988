import type { OutgoingMessage } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { byId, setText } from './dom.js';
import { type GroupCommand, parseInput } from './parseInput.js';

/** Whether dragged or pasted data consists of files without text. */
const isFiles = (data: DataTransfer | null): boolean =>
  data !== null && data.types.includes('Files') && !data.types.includes('text/plain');

const isTextField = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;

/** Prevents the browser from opening dropped data in place of the page, and calls `onRejected` for files. */
export const rejectFiles = (onRejected: () => void): void => {
  const preventDrop = (event: DragEvent): boolean => {
    const isRejected = isFiles(event.dataTransfer);
    if (isRejected || !isTextField(event.target)) event.preventDefault();
    return isRejected;
  };
  window.addEventListener('dragover', preventDrop);
  window.addEventListener('drop', (event) => {
    if (preventDrop(event)) onRejected();
  });
  window.addEventListener('paste', (event) => {
    if (!isFiles(event.clipboardData)) return;
    event.preventDefault();
    onRejected();
  });
};

export interface ComposerOptions {
  /** Sends all messages, or returns the reason why they cannot be sent. */
  readonly send: (messages: readonly OutgoingMessage[]) => string | undefined;
  /** Runs a command of a group room, or returns the reason why it cannot. `undefined` in other rooms. */
  readonly run?: ((command: GroupCommand) => string | undefined) | undefined;
  /** Unsent text from before the page was reloaded. */
  readonly draft: string;
  readonly saveDraft: (draft: string) => void;
  /** Returns the nicks that the Tab key completes. */
  readonly nicks: () => readonly string[];
}

/**
 * Initializes the input field: Enter sends, Shift+Enter inserts a line break. On touch screens, Enter inserts a
 * line break. A text that is too long can be sent as several messages.
 */
export const initComposer = ({ send, run, draft, saveDraft, nicks }: ComposerOptions): void => {
  const form = byId('composer', HTMLFormElement);
  const input = byId('composer-text', HTMLTextAreaElement);
  const problemText = byId('fault', HTMLElement);
  const split = byId('split', HTMLButtonElement);
  let parts: readonly OutgoingMessage[] | undefined;

  const showProblem = (problem: string | undefined, instead?: readonly OutgoingMessage[]) => {
    setText(problemText, problem);
    parts = instead;
    split.hidden = instead === undefined;
    if (instead !== undefined) split.textContent = `Send as ${instead.length} messages`;
  };
  const submit = (problem: string | undefined) => {
    showProblem(problem);
    if (problem !== undefined) return;
    input.value = '';
    saveDraft('');
  };
  /** Completes the nick before the cursor, and returns whether there was one. */
  const complete = (): boolean => {
    const { value, selectionStart: at, selectionEnd } = input;
    const word = /\S+$/.exec(value.slice(0, at))?.[0] ?? '';
    const nick = word === '' || at !== selectionEnd ? undefined : completeNick(word, nicks());
    if (nick === undefined) return false;
    input.setRangeText(`${nick}${word.length === at ? ': ' : ' '}`, at - word.length, at, 'end');
    saveDraft(input.value);
    return true;
  };
  const isTouchScreen = window.matchMedia('(pointer: coarse)').matches;
  if (isTouchScreen) input.enterKeyHint = 'enter';
  input.value = draft;

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value.trim() === '') return;
    const typed = parseInput(input.value, { isGroup: run !== undefined });
    if ('message' in typed) submit(send([typed.message]));
    else if ('command' in typed) submit(run?.(typed.command));
    else showProblem(typed.problem, typed.parts);
  });
  split.addEventListener('click', () => {
    if (parts !== undefined) submit(send(parts));
    input.focus();
  });
  input.addEventListener('input', () => {
    showProblem(undefined);
    saveDraft(input.value);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && !event.shiftKey && complete()) event.preventDefault();
    // An input method handles Enter itself.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isTouchScreen) return;
    event.preventDefault();
    form.requestSubmit();
  });
  rejectFiles(() => {
    showProblem('only text can be sent, no files or pictures');
  });
  input.focus();
};

/** Returns the nick that starts with a word, ignoring case, or `undefined` if the word is complete. */
const completeNick = (word: string, nicks: readonly string[]): string | undefined =>
  nicks.find((nick) => foldNick(nick).startsWith(foldNick(word)) && nick !== word);
