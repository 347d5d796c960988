import { type Observable, switchMap, timer } from 'rxjs';
import { type Flags, span } from '../cli/flags.js';
import { endOfTurn$ } from '../turn.js';

const LONGEST = 60_000;

/** How long, in ms, nothing may come before what came counts as whole. With a key little is at stake. */
export const SERVER_SILENCE = 100;
export const CLIENT_SILENCE = 20;

/** How long, in ms, the next message waits behind one to the same peer. */
const GAP = 10;

export interface Timing {
  readonly silence$: Observable<unknown>;
  readonly gap$: Observable<unknown>;
}

/** `--silence` and `--gap`. */
export const readTiming = (flags: Flags, silence: number): Timing => ({
  // What lies in the socket already is no silence, however long this process was kept from reading it.
  silence$: timer(span(flags, 'silence', 1, LONGEST) ?? silence).pipe(switchMap(() => endOfTurn$)),
  gap$: timer(span(flags, 'gap', 0, LONGEST) ?? GAP),
});
