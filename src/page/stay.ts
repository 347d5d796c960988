import { catchError, distinctUntilChanged, map, NEVER, type Observable, tap } from 'rxjs';
import type { Act } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';
import { claim } from './claim.js';
import { keepOfTab, parsed, readOfTab } from './keep.js';

/** What a tab needs to go on after it was loaded again. The relay knows it by its session. */
export interface Stay {
  readonly room: string;
  readonly session: string;
  readonly said: readonly {
    readonly lines: readonly string[];
    readonly act?: Act | undefined;
    readonly token: string;
    readonly bytes: number;
  }[];
}

const isStay = (value: unknown): value is Stay =>
  typeof value === 'object' &&
  value !== null &&
  'room' in value &&
  'session' in value &&
  typeof value.session === 'string' &&
  'said' in value &&
  Array.isArray(value.said);

/** What this tab kept for a room, if it comes back to its own page. */
export const readStay = (room: string): Stay | undefined => {
  const [entry] = performance.getEntriesByType('navigation');
  const isBack = entry instanceof PerformanceNavigationTiming && entry.type !== 'navigate';
  const stay = isBack ? parsed(readOfTab('stay'), isStay) : undefined;
  return stay?.room === room ? stay : undefined;
};

export const keepStay = (stay: Stay): void => {
  keepOfTab('stay', JSON.stringify(stay));
};

const SESSION_BYTES = 16;

/** Another tab has it. */
const TAKEN = new Error('taken');

/** Emits a stay once, and holds its session; errors if another tab has it. */
const hold = (stay: Stay): Observable<Stay> =>
  claim(`rxchat.session.${stay.session}`).pipe(
    tap((isOurs) => {
      if (!isOurs) throw TAKEN;
    }),
    map(() => stay),
    distinctUntilChanged(),
  );

/**
 * Emits a stay that no other tab of this browser has, and holds it.
 *
 * A duplicated tab has a copy of all that the other one kept. Only one of them goes on with the session and with what is
 * pending; the other one begins a session of its own.
 */
export const openStay = (room: string): Observable<Stay> => {
  const fresh = (): Stay => ({ room, session: toBase64url(randomBytes(SESSION_BYTES)), said: [] });
  const kept = readStay(room);
  if (kept === undefined) return hold(fresh());
  let isOpen = false;
  return hold(kept).pipe(
    tap(() => (isOpen = true)),
    catchError(() => {
      // It was left, and another tab came back to it first: this page begins again, from what it keeps now.
      if (isOpen) window.location.reload();
      return isOpen ? NEVER : hold(fresh());
    }),
  );
};
