import { defer, type Observable } from 'rxjs';
import { joinCluster } from '../../streams/relay/cluster/cluster.js';
import { sharedRoom } from '../../streams/relay/cluster/sharedRoom.js';
import type { MemberCommand } from '../../streams/relay/connection/parseCommands.js';
import { type RoomEvent, serveRoom, type ServeRoomOptions } from '../../streams/relay/serveRoom.js';
import { fakeHash } from './envelopes.js';
import { fakeEngine } from './fakeLedger.js';

/** Serves a room as the only relay of an engine, which answers within the frame. */
export const sharedRoomAlone =
  (name: string, options: ServeRoomOptions) =>
  (command$: Observable<MemberCommand>): Observable<RoomEvent> =>
    defer(() => {
      const ledger = fakeEngine({ latencyMs: 0 }).connect('relay');
      const cluster = joinCluster(ledger, { checkMs: Infinity });
      return command$.pipe(sharedRoom(name, { hash: fakeHash, ...options, cluster }));
    });

interface TestedRoom {
  readonly serve: typeof serveRoom;
  readonly durability: string;
}

/** A room of one relay: without an engine, and with one. */
export const ROOMS: readonly (readonly [string, TestedRoom])[] = [
  ['serveRoom', { serve: serveRoom, durability: 'memory' }],
  ['a shared room with one relay', { serve: sharedRoomAlone, durability: 'disk' }],
];
