import { byId } from './dom.js';

/** Initializes the dialog that asks before an action. Returns a function that asks, and runs the action after a yes. */
export const initConfirmDialog = (): ((text: string, label: string, run: () => void) => void) => {
  const dialog = byId('confirm', HTMLDialogElement);
  const question = byId('confirm-text', HTMLElement);
  const yes = byId('confirm-yes', HTMLButtonElement);
  let action: (() => void) | undefined;

  yes.addEventListener('click', () => {
    dialog.close();
    action?.();
  });
  return (text, label, run) => {
    question.textContent = text;
    yes.textContent = label;
    action = run;
    dialog.showModal();
  };
};
