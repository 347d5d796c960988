import { isSayable } from '../../streams/client/index.js';
import { byId, tell } from './dom.js';

/** Where one types: Enter sends, Shift and Enter begins a line. `say` answers why not, where it cannot be sent. */
export const composer = (say: (text: string) => string | undefined): void => {
  const form = byId('say', HTMLFormElement);
  const input = byId('say-text', HTMLTextAreaElement);
  const fault = byId('fault', HTMLElement);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value;
    if (text.trim() === '') return;
    const problem = isSayable(text) ? say(text) : 'this is too long for one message: send it in parts';
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
