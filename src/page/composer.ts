import type { Say } from '../../streams/client/index.js';
import { byId, tell } from './dom.js';
import { readTyped } from './typed.js';

/** Where one types: Enter sends, Shift and Enter begins a line. `say` answers why not, where it cannot be sent. */
export const composer = (say: (say: Say) => string | undefined): void => {
  const form = byId('say', HTMLFormElement);
  const input = byId('say-text', HTMLTextAreaElement);
  const fault = byId('fault', HTMLElement);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value.trim() === '') return;
    const typed = readTyped(input.value);
    const problem = 'problem' in typed ? typed.problem : say(typed.say);
    tell(fault, problem);
    if (problem === undefined) input.value = '';
  });
  input.addEventListener('keydown', (event) => {
    // An input method uses Enter for its own.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  input.focus();
};
