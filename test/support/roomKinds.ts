import { defer, filter, from, map, type Observable, type OperatorFunction, pipe, timer } from 'rxjs';
import { joinCluster } from '../../streams/relay/cluster/cluster.js';
import { sharedRoom } from '../../streams/relay/cluster/sharedRoom.js';
import type { MemberCommand } from '../../streams/relay/connection/parseCommands.js';
import { type RoomEvent, serveRoom, type ServeRoomOptions } from '../../streams/relay/serveRoom.js';
import { fakeHash } from './envelopes.js';
import { fakeEngine } from './fakeLedger.js';
import { marbles } from './marbles.js';
import { describeEvent } from './wire.js';

/** Serves a room as the only relay of an engine, which answers within the frame. */
const sharedRoomAlone =
  (name: string, options: ServeRoomOptions) =>
  (command$: Observable<MemberCommand>): Observable<RoomEvent> =>
    defer(() => {
      const ledger = fakeEngine({ latencyMs: 0 }).connect('relay');
      const cluster = joinCluster(ledger, { checkMs: Infinity });
      return command$.pipe(sharedRoom(name, { hash: fakeHash, ...options, cluster }));
    });

interface RoomKind {
  readonly serve: typeof serveRoom;
  readonly durability: string;
}

/**
 * The kinds of a room: of one relay without an engine, and shared. Both make the same decisions, so the same drawings test
 * both.
 *
 * A shared room decides when it plans a batch, and its members see the outcome when it has read the batch back. Here the engine
 * answers within the frame, so this takes no time.
 */
export const roomKinds: readonly (readonly [string, RoomKind])[] = [
  ['serveRoom', { serve: serveRoom, durability: 'memory' }],
  ['a shared room with one relay', { serve: sharedRoomAlone, durability: 'disk' }],
];

type MembersEvent = Exclude<RoomEvent, { type: 'announced' | 'not-stored' }>;
type RoomOptions = Partial<ServeRoomOptions>;

const served = ({ serve }: RoomKind, options: RoomOptions = {}) =>
  serve('lobby', { logId: () => 'log', endOfTick$: timer(0), ...options });

const isOfMember = (event: RoomEvent): event is MembersEvent =>
  event.type !== 'announced' && event.type !== 'not-stored';

/** Describes what happens to the members of a room of that kind, without the announcements. */
export const describeMembers = (
  kind: RoomKind,
  options?: RoomOptions,
): OperatorFunction<MemberCommand, string> =>
  pipe(served(kind, options), filter(isOfMember), map(describeEvent));

/** Describes who joins, speaks and leaves in a room of that kind, and what is announced, without the ends of connections. */
export const describeAnnouncements = (
  kind: RoomKind,
  options?: RoomOptions,
): OperatorFunction<MemberCommand, string> =>
  pipe(
    served(kind, options),
    filter(({ type }) => type !== 'disconnected'),
    map(describeEvent),
  );

/** Returns what happens to the members of a room of that kind after commands at the same moment. */
export const observeMembers = (kind: RoomKind, commands: readonly MemberCommand[]): MembersEvent[] => {
  const events: MembersEvent[] = [];
  marbles(({ flush }) => {
    from(commands)
      .pipe(served(kind), filter(isOfMember))
      .subscribe((event) => events.push(event));
    flush();
  });
  return events;
};
