import type { Roster } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { visibleNick } from '../terminal/visible.js';
import { byId, make } from './dom.js';

/** So many are listed; the others are counted. */
const LISTED = 200;

export interface MemberOptions {
  readonly own: string;
  readonly onPerson: (nick: string) => void;
}

/** Who is here, as a list that opens and closes. The relay alone says so: it marks nobody as verified. */
export const memberList = ({ own, onPerson }: MemberOptions): ((roster?: Roster) => void) => {
  const panel = byId('members', HTMLElement);
  const list = byId('members-list', HTMLElement);
  const more = byId('members-more', HTMLElement);
  const button = byId('members-open', HTMLButtonElement);
  const count = byId('members-count', HTMLElement);
  let last: Roster | undefined;

  const show = (isShown: boolean) => {
    panel.hidden = !isShown;
    button.ariaExpanded = String(isShown);
  };
  button.addEventListener('click', () => {
    show(panel.hidden !== false);
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || panel.hidden || document.querySelector('dialog[open]') !== null) return;
    show(false);
    button.focus();
  });
  // On a phone it lies over the conversation.
  byId('talk', HTMLElement).addEventListener('click', () => {
    if (window.matchMedia('(max-width: 40rem)').matches) show(false);
  });

  const draw = (roster: Roster | undefined = last): void => {
    last = roster;
    if (roster === undefined) return;
    count.textContent = `Members: ${roster.count}`;
    const nicks = roster.nicks.slice(0, LISTED);
    list.replaceChildren(
      ...nicks.map((nick) => {
        const isOwn = foldNick(nick) === foldNick(own);
        const who = make('button', 'who', visibleNick(nick));
        who.type = 'button';
        who.addEventListener('click', () => {
          onPerson(nick);
        });
        return make('li', '', who, isOwn ? ' (you)' : '');
      }),
    );
    const others = roster.count - nicks.length;
    more.textContent = others > 0 ? `and ${others} more` : '';
  };
  return draw;
};
