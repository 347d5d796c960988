/** The page of a relay: a room in a browser. It subscribes once, at the end of this file. */
import { catchError, defer, fromEvent, merge, of, switchMap, take } from 'rxjs';
import { chat } from './chat.js';
import { describeError, type JoinRequest, parsePageInvite, roomIdOf, showJoinForm } from './joinForm.js';
import { byId, setText } from './dom.js';
import { loadNick } from './storage.js';
import { loadTabSession } from './tabSession.js';

byId('insecure', HTMLElement).hidden = window.isSecureContext;

for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => {
    button.closest('dialog')?.close();
  });

/** Returns the member of this tab if the page was reloaded, so that the form is not needed. */
const findReturningMember = (): JoinRequest | undefined => {
  try {
    const invite = parsePageInvite();
    if (invite === undefined) return undefined;
    const nick = loadNick();
    const isReturning = nick !== '' && loadTabSession(roomIdOf(invite)) !== undefined;
    return isReturning ? { invite, nick } : undefined;
  } catch {
    return undefined;
  }
};

const app$ = defer(() => {
  const request = findReturningMember();
  return request === undefined ? showJoinForm(undefined) : of(request);
}).pipe(
  switchMap((request) => chat(request)),
  catchError((error: unknown) => {
    byId('room', HTMLElement).hidden = true;
    return showJoinForm(describeError(error));
  }),
);

// Reload the page after a rejection and a new form, or if the address contains another invite.
merge(app$, fromEvent(window, 'hashchange'))
  .pipe(take(1))
  .subscribe({
    next: () => {
      window.location.reload();
    },
    // The form shows errors of the room; this is an error of the page itself.
    error: (error: unknown) => {
      setText(byId('fault', HTMLElement), describeError(error));
    },
  });
