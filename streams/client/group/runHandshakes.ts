import { defer, EMPTY, map, merge, mergeMap, type Observable, Subject, switchMap } from 'rxjs';
import type { GroupInfo } from './engine.js';
import type { Frame } from './frame.js';
import {
  handshakes,
  type HandshakesInput,
  type HandshakesOptions,
  type HandshakesOutput,
} from './handshakes.js';
import type { RoomAnswer } from './nextRoom.js';

/** What `runHandshakes` does for `handshakes`. */
export interface HandshakeEffects {
  /** Asks the relay for a room and holds it until it is unsubscribed. Emits the answers of the relay. */
  readonly reserveRoom: (secret: Uint8Array) => Observable<RoomAnswer>;
  /** Writes a handshake to the log. */
  readonly write: (frame: Frame) => void;
}

/**
 * Runs `handshakes` with its effects, and emits what it reports. Completes and errors as `handshakes`.
 *
 * ```text
 * input   --request-----------write-phase----
 *           runHandshakes(input$, options, { reserveRoom, write })
 * write   -----------commit------------------
 * output  --------------------request-done---
 * ```
 */
export const runHandshakes = <State, Info extends GroupInfo>(
  input$: Observable<HandshakesInput>,
  options: HandshakesOptions<State, Info>,
  { reserveRoom, write }: HandshakeEffects,
): Observable<Exclude<HandshakesOutput, { readonly type: 'write' | 'reserve-room' | 'release-room' }>> =>
  defer(() => {
    const nextRooms = new Subject<Uint8Array | undefined>();
    const answer$ = nextRooms.pipe(
      switchMap((secret) => (secret === undefined ? EMPTY : reserveRoom(secret))),
      map((answer): HandshakesInput => ({ type: 'room-answer', answer })),
    );
    return merge(answer$, input$).pipe(
      handshakes(options),
      mergeMap((output) => {
        switch (output.type) {
          case 'write':
            write(output.frame);
            return [];
          case 'reserve-room':
            nextRooms.next(output.secret);
            return [];
          case 'release-room':
            nextRooms.next(undefined);
            return [];
          default:
            return [output];
        }
      }),
    );
  });
