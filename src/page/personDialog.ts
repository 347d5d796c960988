import { safetyNumber } from '../browser/safetyNumber.js';
import { visibleNick } from '../terminal/visible.js';
import { byId, tell } from './dom.js';
import type { Keys } from './keep.js';

/** Who somebody is: a number to compare, and whether it was the same. */
export const personDialog = (
  own: string,
  keys: Keys,
  onChange: () => void,
): ((nick: string, key: string | undefined) => void) => {
  const dialog = byId('person', HTMLDialogElement);
  const title = byId('person-title', HTMLElement);
  const text = byId('person-text', HTMLElement);
  const number = byId('person-number', HTMLElement);
  const buttons = [byId('person-same', HTMLButtonElement), byId('person-other', HTMLButtonElement)] as const;
  let present: { readonly nick: string; readonly key: string } | undefined;

  buttons.forEach((button, at) => {
    button.addEventListener('click', () => {
      if (present === undefined) return;
      keys.verify(present.key, at === 0);
      if (at === 0) keys.accept(present.nick, present.key);
      dialog.close();
      onChange();
    });
  });

  return (nick: string, key: string | undefined): void => {
    const isOther = key !== undefined && key !== own;
    present = isOther ? { nick, key } : undefined;
    title.textContent = visibleNick(nick);
    text.textContent =
      key === undefined
        ? 'has said nothing yet that would show a key.'
        : key === own
          ? 'has your own key: this is you.'
          : `is ${keys.isVerified(key) ? 'verified (\u2713)' : 'not verified (?): whether it is really them was not compared in this browser'}. Compare this number, by another way than this room. The command shows it with /verify.`;
    tell(number, isOther ? safetyNumber(own, key) : undefined);
    for (const button of buttons) button.hidden = !isOther;
    dialog.showModal();
  };
};
