import { filter, fromEvent, merge, NEVER, type Observable } from 'rxjs';
import { woke } from '../../streams/client/index.js';

/** Emits the events of a target with this name; of something that has no events, nothing. */
const eventsOf = (target: unknown, name: string): Observable<unknown> =>
  typeof target === 'object' &&
  target !== null &&
  'addEventListener' in target &&
  typeof target.addEventListener === 'function'
    ? fromEvent(target as EventTarget, name)
    : NEVER;

/**
 * Emits when a browser's connections may be dead, or a relay in reach again: the network is back (`online`), the page can
 * be seen again or goes on (`visibilitychange`, `pageshow`, `resume`), or a timer was late.
 *
 * A late timer alone means little: browsers delay the timers of hidden tabs by up to a minute. By the time of day, since
 * `performance.now()` stands still in some browsers while the machine sleeps; setting it costs a `PING`.
 */
export const browserResume = (target: object): Observable<unknown> => {
  const document = 'document' in target ? target.document : undefined;
  return merge(
    eventsOf(target, 'online'),
    eventsOf(target, 'pageshow').pipe(filter(isOfCache)),
    eventsOf(document, 'resume'),
    eventsOf(document, 'visibilitychange').pipe(filter(() => !isHidden(document))),
    woke({ now: () => Date.now() }),
  );
};

/** Whether a page came back from the cache of pages that were left; else it has only been loaded. */
const isOfCache = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'persisted' in event && event.persisted === true;

const isHidden = (document: unknown): boolean =>
  typeof document === 'object' && document !== null && 'hidden' in document && document.hidden === true;
