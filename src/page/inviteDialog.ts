import encodeQR from 'qr';
import { byId } from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';

/** A code as one path of squares, with the margin that readers need. */
const drawCode = (svg: Element, text: string): void => {
  const code = encodeQR(text, 'raw', { border: 4 });
  const path = document.createElementNS(SVG, 'path');
  const squares = code.flatMap((line, y) => line.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')));
  path.setAttribute('d', squares.join(''));
  path.setAttribute('fill', '#000');
  svg.setAttribute('viewBox', `0 0 ${code.length} ${code.length}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.replaceChildren(path);
};

/** The invite, to be shown, copied and photographed; made here, as all of the page is. */
export const inviteDialog = (link: string): void => {
  const dialog = byId('invite', HTMLDialogElement);
  const input = byId('invite-link', HTMLInputElement);
  const told = byId('invite-told', HTMLElement);
  const code = document.querySelector('#invite-code');

  byId('invite-open', HTMLButtonElement).addEventListener('click', () => {
    input.value = link;
    told.textContent = '';
    if (code !== null) drawCode(code, link);
    dialog.showModal();
  });
  byId('invite-copy', HTMLButtonElement).addEventListener('click', () => {
    input.select();
    const isCopied = (): void => {
      told.textContent = 'Copied.';
    };
    const byHand = (): void => {
      told.textContent = 'This browser lets no page copy: the link is selected, copy it yourself.';
    };
    // Where the page came unprotected there is no clipboard.
    if (!window.isSecureContext) byHand();
    else navigator.clipboard.writeText(link).then(isCopied, byHand);
  });
};
