import {
  auditTime,
  connect,
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  exhaustMap,
  filter,
  ignoreElements,
  map,
  merge,
  of,
  type Observable,
  type OperatorFunction,
  tap,
} from 'rxjs';
import { repeatAfter } from '../../rx/repeatAfter.js';
import type { GroupInfo } from './engine.js';
import type { GroupState } from './groupState.js';

export interface PersistOptions<State, Info extends GroupInfo> {
  /** The state that is stored already: the one of an earlier run, or that of a device that knows only the invite. */
  readonly stored: GroupState<State, Info>;
  /** Stores a state. Completes once a crash cannot lose it; errors if it is not stored. */
  readonly save: (state: GroupState<State, Info>) => Observable<unknown>;
  /** How long a state that no token depends on may wait to be stored, in ms (default 1000). */
  readonly delayMs?: number;
}

/**
 * Stores states, and emits whether tokens of the present state may be sent: a restart would use no message key twice and
 * know each handshake.
 *
 * Stores at once at the first token of an epoch, after each reservation of keys, and for each handshake. Other states are
 * stored after `delayMs` ms. One state is stored at a time; those that follow meanwhile are skipped, except for the last.
 * A state that has to move to another room is not stored, since the state after the move follows at once. Completes with
 * its source. Errors with it or with `save`.
 *
 * ```text
 * state     a--b-----c-------    b reserves keys, c only read a message
 * save         ===|     ===|
 *             persistState({ stored, save })
 * out       t--f--t----------
 * ```
 *
 * @example
 * import { EMPTY, type Observable } from 'rxjs';
 * import type { GroupInfo } from './engine.js';
 * import { createNewcomer, type GroupState } from './groupState.js';
 * import { persistState } from './persistState.js';
 *
 * const isStored = (state$: Observable<GroupState<unknown, GroupInfo>>) =>
 *   state$.pipe(persistState({ stored: createNewcomer(), save: () => EMPTY }));
 */
export const persistState =
  <State, Info extends GroupInfo>({
    stored: first,
    save,
    delayMs = 1000,
  }: PersistOptions<State, Info>): OperatorFunction<GroupState<State, Info>, boolean> =>
  (state$) =>
    defer(() => {
      let stored = first;
      let present = first;
      const isCovered = () => covers(stored, present);
      const savePresent = defer(() => {
        const state = present;
        return save(state).pipe(
          ignoreElements(),
          endWith(state),
          tap((saved) => (stored = saved)),
        );
      });
      // The next handshake is staged while `isCovered` is emitted. So this looks at the state only afterwards.
      const saveUntilCovered = savePresent.pipe(
        repeatAfter(() => (isCovered() || !canSave(present) ? EMPTY : of(null))),
      );

      return state$.pipe(
        tap((state) => (present = state)),
        connect((shared$) =>
          merge(
            shared$.pipe(map(isCovered)),
            merge(
              shared$.pipe(filter(() => !isCovered())),
              shared$.pipe(
                auditTime(delayMs),
                filter(() => present !== stored),
              ),
            ).pipe(
              exhaustMap(() => (canSave(present) ? saveUntilCovered : EMPTY)),
              map(isCovered),
            ),
          ),
        ),
        distinctUntilChanged(),
      );
    });

/** Whether a state may be stored: not while it has to move to another room, as the state after the move follows. */
export const canSave = <State, Info extends GroupInfo>(state: GroupState<State, Info>): boolean =>
  state.phase !== 'member' || !state.hasMoved;

/** Whether a restart from a stored state uses no key and forgets no handshake of the present state. */
const covers = <State, Info extends GroupInfo>(
  stored: GroupState<State, Info>,
  state: GroupState<State, Info>,
): boolean => {
  if (stored.phase === 'removed' || state.phase === 'removed') return stored.phase === state.phase;
  if (stored.pending !== state.pending) return false;
  if (stored.phase === 'newcomer' || state.phase === 'newcomer') return stored.phase === state.phase;
  return (
    stored.epoch.view.epoch === state.epoch.view.epoch && stored.sending.reserved === state.sending.reserved
  );
};
