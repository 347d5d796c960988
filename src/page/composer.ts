import type { Say } from '../../streams/client/index.js';
import { byId, tell } from './dom.js';
import { refuseFiles } from './files.js';
import { readTyped } from './typed.js';

/**
 * Where one types: Enter sends, Shift and Enter begins a line. `say` answers why not, if it cannot be sent. What is too
 * long for a message can be sent as several.
 */
export const composer = (say: (says: readonly Say[]) => string | undefined): void => {
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
    if (problem === undefined) input.value = '';
  };

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
  });
  input.addEventListener('keydown', (event) => {
    // An input method uses Enter for its own.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  refuseFiles(() => {
    show('files and pictures cannot be sent here, only text');
  });
  input.focus();
};
