import {
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  filter,
  first,
  ignoreElements,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  startWith,
  switchMap,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import type { Heard } from '../../streams/client/index.js';
import type { Invite } from '../invite/invite.js';
import { CliError, Exit } from './exit.js';
import type { Receipts } from './receipts.js';

/**
 * A relay that is back within so many ms was hardly away: nothing is said of it. Who restarts within 5 s is found within
 * another 1.5 s, as `waits` has it, and the rest is for coming in.
 */
export const UNNOTICED = 8000;

/**
 * What is heard, a shared stream, in; what to tell about the connection out: `offline: ...`, once it lasts, and
 * `online again`. Completes with its source.
 */
export const tellOffline =
  (unnoticed: number = UNNOTICED) =>
  (heard$: Observable<Heard>): Observable<string> =>
    defer(() => {
      let told = false;
      let reason = '';
      return heard$.pipe(
        tap((heard) => {
          if (heard.type === 'offline') reason = heard.reason;
        }),
        filter(({ type }) => type === 'offline' || type === 'welcome'),
        map(({ type }) => type),
        distinctUntilChanged(),
        switchMap((type) => {
          if (type === 'welcome') {
            const again = told;
            told = false;
            return again ? of('online again') : EMPTY;
          }
          return timer(unnoticed).pipe(
            map(() => {
              told = true;
              return `offline: ${reason}; trying again`;
            }),
          );
        }),
        takeUntil(heard$.pipe(ignoreElements(), endWith(null))),
      );
    });

/** What is heard in, what to tell about the room out. A wrong passphrase is no error: it is the right one of a room where nobody is. */
export const tellRoom =
  ({ label }: Invite) =>
  (heard$: Observable<Heard>): Observable<string> =>
    heard$.pipe(
      first(({ type }) => type === 'welcome', null),
      filter((heard) => label !== undefined && heard?.type === 'welcome' && heard.next === 1),
      map(() => `nobody has been in ${label} with this passphrase before; is it the right one?`),
    );

/** What is heard, a shared stream, in; what to tell about the room and the way there out. */
export const tellState =
  (invite: Invite) =>
  (heard$: Observable<Heard>): Observable<string> =>
    merge(heard$.pipe(tellRoom(invite)), heard$.pipe(tellOffline()));

export interface GiveUpOptions {
  /** Whether the relay is not read at present. */
  readonly isHeld?: () => boolean;
  /** How long, in ms, the relay may take until it is there. */
  readonly wait?: number;
}

/**
 * What is heard in; errors once what was said, or who wants to come in, waits for `timeout` ms without anything coming
 * of it (0: never), and the relay was read meanwhile.
 * Emits nothing and never completes: it is for `takeUntil`, which passes the error on.
 */
export const giveUp =
  (account: Receipts, timeout: number, { isHeld = () => false, wait = 0 }: GiveUpOptions = {}) =>
  (heard$: Observable<Heard>): Observable<never> =>
    defer(() => {
      let reason = 'the relay does not answer';
      let wasIn = false;
      return heard$.pipe(
        tap((heard) => {
          if (heard.type === 'offline') reason = heard.reason;
        }),
        map(({ type }) => {
          wasIn ||= type === 'welcome';
          return wasIn && account.said <= account.stored ? -1 : account.stored;
        }),
        // Connecting, and the handshake, count too.
        startWith(0),
        distinctUntilChanged(),
        switchMap((stored) =>
          stored < 0 || timeout === 0
            ? NEVER
            : timer(wasIn ? timeout : timeout + wait, timeout).pipe(
                filter(() => !isHeld()),
                map(() => {
                  throw new CliError(Exit.network, `no receipt for ${timeout / 1000} s: ${reason}`);
                }),
              ),
        ),
      );
    });
