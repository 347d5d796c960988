import encodeQR from 'qr';
import type { Roster } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { sanitizeNick } from '../text/sanitize.js';
import { byId, createElement, setText } from './dom.js';
import { createFocusKeeper } from './focusKeeper.js';
import { safetyNumber } from '../browser/nobleKeys.js';
import type { KnownKeys } from './storage.js';

/** Maximum number of listed members; the others are counted. */
const MAX_LISTED = 200;

/** A member in the list. */
export interface MemberEntry {
  /** Sanitized name. */
  readonly name: string;
  /** Follows the name. */
  readonly note: string;
  readonly onSelect: () => void;
}

/** The list of members. */
export interface MemberPanel {
  readonly open: () => void;
  readonly draw: (count: number, entries: readonly MemberEntry[]) => void;
}

/** Initializes the list of members, which opens and closes. */
export const initMemberPanel = (): MemberPanel => {
  const panel = byId('members', HTMLElement);
  const list = byId('members-list', HTMLElement);
  const more = byId('members-more', HTMLElement);
  const focusKeeper = createFocusKeeper(list);
  const button = byId('members-open', HTMLButtonElement);
  const count = byId('members-count', HTMLElement);

  const show = (isOpen: boolean) => {
    panel.hidden = !isOpen;
    button.ariaExpanded = String(isOpen);
  };
  button.addEventListener('click', () => {
    show(panel.hidden !== false);
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || panel.hidden || document.querySelector('dialog[open]') !== null) return;
    show(false);
    button.focus();
  });
  // On a phone the list covers the conversation.
  byId('conversation', HTMLElement).addEventListener('click', () => {
    if (window.matchMedia('(max-width: 40rem)').matches) show(false);
  });

  return {
    open: () => {
      show(true);
    },
    draw: (total, entries) => {
      count.textContent = `Members: ${total}`;
      const listed = entries.slice(0, MAX_LISTED);
      focusKeeper.remember();
      list.replaceChildren(
        ...listed.map(({ name, note, onSelect }) => {
          const nameButton = createElement('button', 'who', name);
          nameButton.type = 'button';
          nameButton.addEventListener('click', onSelect);
          return createElement('li', '', nameButton, note);
        }),
      );
      focusKeeper.restore();
      const others = total - listed.length;
      more.textContent = others > 0 ? `and ${others} more` : '';
    },
  };
};

/** Draws the members that the relay reports. It could name anyone, so the list marks nobody as verified. */
export const drawRoster = (
  panel: MemberPanel,
  { count, nicks }: Roster,
  { ownNick, onSelect }: { readonly ownNick: string; readonly onSelect: (nick: string) => void },
): void => {
  panel.draw(
    count,
    nicks.map((nick) => ({
      name: sanitizeNick(nick),
      note: foldNick(nick) === foldNick(ownNick) ? ' (you)' : '',
      onSelect: () => {
        onSelect(nick);
      },
    })),
  );
};

const SVG = 'http://www.w3.org/2000/svg';

/** Draws a QR code as one path of squares, with the margin that scanners need. */
const drawQrCode = (svg: Element, text: string): void => {
  const code = encodeQR(text, 'raw', { border: 4 });
  const path = document.createElementNS(SVG, 'path');
  const squares = code.flatMap((line, y) => line.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')));
  path.setAttribute('d', squares.join(''));
  path.setAttribute('fill', '#000');
  svg.setAttribute('viewBox', `0 0 ${code.length} ${code.length}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.replaceChildren(path);
};

/**
 * Initializes the dialog that shows, copies and draws the invite, and returns a function that opens it. The page
 * creates the QR code itself.
 */
export const initInviteDialog = (link: () => string): (() => void) => {
  const dialog = byId('invite', HTMLDialogElement);
  const input = byId('invite-link', HTMLInputElement);
  const statusText = byId('invite-status', HTMLElement);
  const code = document.querySelector('#invite-code');

  const open = (): void => {
    const text = link();
    input.value = text;
    statusText.textContent = '';
    if (code !== null) drawQrCode(code, text);
    dialog.showModal();
  };
  byId('invite-open', HTMLButtonElement).addEventListener('click', open);
  byId('invite-copy', HTMLButtonElement).addEventListener('click', () => {
    input.select();
    const onCopied = (): void => {
      statusText.textContent = 'Copied.';
    };
    const onCopyFailed = (): void => {
      statusText.textContent = 'Copying is not available: the link is selected, copy it yourself.';
    };
    // Without a secure context there is no clipboard.
    if (!window.isSecureContext) onCopyFailed();
    else navigator.clipboard.writeText(input.value).then(onCopied, onCopyFailed);
  });
  return open;
};

/** What a group room adds to the dialog of a member. */
export interface GroupActions {
  /** Describes a person of the group, or returns `undefined` if the key is not in it. */
  readonly describe: (key: string) => string | undefined;
  /** Asks whether to remove a person. */
  readonly onRemove: (key: string) => void;
}

export interface PersonDialogOptions {
  readonly ownKey: string;
  readonly keys: KnownKeys;
  readonly onChange: () => void;
  readonly group?: GroupActions | undefined;
}

/** Initializes the dialog that shows the safety number of a member and records whether it matches. */
export const initPersonDialog = ({
  ownKey,
  keys,
  onChange,
  group,
}: PersonDialogOptions): ((nick: string | undefined, key: string | undefined) => void) => {
  const dialog = byId('person', HTMLDialogElement);
  const title = byId('person-title', HTMLElement);
  const text = byId('person-text', HTMLElement);
  const number = byId('person-number', HTMLElement);
  const groupText = byId('person-group', HTMLElement);
  const removeButton = byId('person-remove', HTMLButtonElement);
  const buttons = [byId('person-same', HTMLButtonElement), byId('person-other', HTMLButtonElement)] as const;
  let selectedPerson: { readonly nick: string | undefined; readonly key: string } | undefined;

  buttons.forEach((button, at) => {
    button.addEventListener('click', () => {
      if (selectedPerson === undefined) return;
      keys.setVerified(selectedPerson.key, at === 0);
      if (at === 0 && selectedPerson.nick !== undefined) keys.accept(selectedPerson.nick, selectedPerson.key);
      dialog.close();
      onChange();
    });
  });

  removeButton.addEventListener('click', () => {
    dialog.close();
    if (selectedPerson !== undefined) group?.onRemove(selectedPerson.key);
  });

  return (nick, key) => {
    const isOther = key !== undefined && key !== ownKey;
    selectedPerson = isOther ? { nick, key } : undefined;
    title.textContent = nick === undefined ? 'A member without a message yet' : sanitizeNick(nick);
    text.textContent =
      key === undefined
        ? 'has not sent a message yet, so the key is unknown.'
        : key === ownKey
          ? 'has your own key: this is you.'
          : `is ${keys.isVerified(key) ? 'verified (\u2713)' : 'not verified (?) in this browser'}. Compare this number over another channel, in person or by phone. The command line shows it with /verify.`;
    setText(number, isOther ? safetyNumber(ownKey, key) : undefined);
    const groupDescription = key === undefined ? undefined : group?.describe(key);
    setText(groupText, groupDescription);
    for (const button of buttons) button.hidden = !isOther;
    removeButton.hidden = !isOther || groupDescription === undefined;
    dialog.showModal();
  };
};
