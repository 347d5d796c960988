import { filter, fromEvent, merge, Observable, of, switchMap, takeUntil } from 'rxjs';
import { toBase64url } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';

/** A page that is loaded again holds its name until the old document is gone: so long, in ms, the new one waits for it. */
const RELEASE_MS = 500;

/** So long, in ms, other tabs may take to answer, in browsers without locks and on pages that came unprotected. */
const ANSWER_MS = 300;

const CHANNEL = 'rxchat.claims';

type Claim = (name: string) => Observable<boolean>;

const byLock =
  (locks: LockManager): Claim =>
  (name) =>
    new Observable((subscriber) => {
      const waiting = new AbortController();
      const late = setTimeout(() => {
        waiting.abort();
      }, RELEASE_MS);
      let release = (): void => undefined;
      locks
        .request(name, { signal: waiting.signal }, () => {
          clearTimeout(late);
          subscriber.next(true);
          return subscriber.closed ? undefined : new Promise<void>((resolve) => (release = resolve));
        })
        .catch(() => {
          subscriber.next(false);
        });
      return () => {
        clearTimeout(late);
        waiting.abort();
        release();
      };
    });

/** A tab asks for a name under a number of its own. Tabs that ask at the same moment leave it to the smallest number. */
interface Asked {
  readonly name: string;
  readonly by: string;
  readonly isHeld?: boolean;
}

const byChannel: Claim = (name) =>
  new Observable((subscriber) => {
    const channel = new BroadcastChannel(CHANNEL);
    const by = toBase64url(randomBytes(16));
    let isHeld = false;
    const waiting = setTimeout(() => {
      isHeld = true;
      subscriber.next(true);
    }, ANSWER_MS);
    const lose = () => {
      clearTimeout(waiting);
      channel.close();
      subscriber.next(false);
    };
    channel.addEventListener('message', ({ data }: MessageEvent<Asked>) => {
      if (data.name !== name || data.by === by) return;
      if (isHeld && data.isHeld !== true) channel.postMessage({ name, by, isHeld });
      else if (!isHeld && data.isHeld === true) lose();
      else if (!isHeld && data.by < by) lose();
      else if (!isHeld) channel.postMessage({ name, by });
    });
    channel.postMessage({ name, by });
    return () => {
      clearTimeout(waiting);
      channel.close();
    };
  });

/**
 * Holds a name for this tab, against all other tabs of the browser: emits whether no other tab holds it.
 *
 * Holds it until it is unsubscribed or the page is left. A page that comes back from the cache of left pages claims it
 * again, and emits again.
 */
export const claim = (name: string): Observable<boolean> => {
  const { locks } = navigator as { readonly locks?: LockManager };
  const by = locks === undefined ? byChannel : byLock(locks);
  const isBack$ = fromEvent<PageTransitionEvent>(window, 'pageshow').pipe(
    filter(({ persisted }) => persisted),
  );
  return merge(of(undefined), isBack$).pipe(
    switchMap(() => by(name).pipe(takeUntil(fromEvent(window, 'pagehide')))),
  );
};
