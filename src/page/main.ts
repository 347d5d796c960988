/** The page of a relay: a room in a browser. One subscription, at the end of this file. */
import { catchError, defer, fromEvent, merge, of, switchMap, take } from 'rxjs';
import { deriveRoomKeys } from '../browser/keys.js';
import { chat } from './chat.js';
import { door, type Entrance, wordsOf } from './door.js';
import { byId, tell } from './dom.js';
import { readNick } from './keep.js';
import { inviteOfPage } from './link.js';
import { readStay } from './stay.js';

byId('insecure', HTMLElement).hidden = window.isSecureContext;

for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => {
    button.closest('dialog')?.close();
  });

/** Who was here before the page was loaded again, and so need not be asked. */
const returning = (): Entrance | undefined => {
  try {
    const invite = inviteOfPage();
    if (invite === undefined) return undefined;
    const nick = readNick();
    const isBack = nick !== '' && readStay(deriveRoomKeys(invite.secret).room) !== undefined;
    return isBack ? { invite, nick } : undefined;
  } catch {
    return undefined;
  }
};

const talking$ = defer(() => {
  const entrance = returning();
  return entrance === undefined ? door(undefined) : of(entrance);
}).pipe(
  switchMap((entrance) => chat(entrance)),
  catchError((error: unknown) => {
    byId('room', HTMLElement).hidden = true;
    return door(wordsOf(error));
  }),
);

// Who was sent out and comes again begins on a page of its own, and so does another invite in the address of this one.
merge(talking$, fromEvent(window, 'hashchange'))
  .pipe(take(1))
  .subscribe({
    next: () => {
      window.location.reload();
    },
    // What went wrong is said at the door; this would be a fault of the page itself.
    error: (error: unknown) => {
      tell(byId('fault', HTMLElement), wordsOf(error));
    },
  });
