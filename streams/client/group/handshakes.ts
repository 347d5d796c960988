import type { OperatorFunction } from 'rxjs';
import { stateMachine } from '../../rx/stateMachine.js';
import type { WritePhase } from '../send/outbox.js';
import type { GroupInfo } from './engine.js';
import type { Frame } from './frame.js';
import type { GroupRequest, RequestDone, RequestRefused } from './groupClientEvent.js';
import type { GroupContext } from './groupEpoch.js';
import type { GroupSession } from './groupSession.js';
import { type GroupEvent, type GroupState, type MemberState, withoutGroupInfo } from './groupState.js';
import { GroupFullError, WithdrawnError } from './errors.js';
import { type GroupRole, type Need, nextNeed, ownMember } from './handshakeNeed.js';
import { leavingLeaves, stageLeave } from './leaving.js';
import { createNextRoom, type RoomAnswer, type RoomRefusal } from './nextRoom.js';
import { createGroupInfoFrame, stageCommit, stageGroup, stageJoin } from './stageHandshake.js';
import { NOT_A_MEMBER, stageRequest } from './stageRequest.js';

export interface HandshakesOptions<State, Info extends GroupInfo> {
  readonly context: GroupContext<State, Info>;
  readonly session: Pick<GroupSession<State, Info>, 'state' | 'update'>;
  readonly role: GroupRole;
  /** Returns a random number that is not secret, 0 <= x < 1, for delays. */
  readonly random: () => number;
  /** Returns random bytes for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** What handshakes depend on: the client's requests, the log, what the relay answers, and whether tokens may be written. */
export type HandshakesInput =
  | { readonly type: 'write-phase'; readonly phase: WritePhase }
  | { readonly type: 'request'; readonly request: GroupRequest }
  | { readonly type: 'room-answer'; readonly answer: RoomAnswer }
  | HandshakeEvent;

/** What a handshake of the log may mean. */
export type HandshakeEvent = Extract<
  GroupEvent,
  { type: 'epoch' | 'handshake' | 'rejected' | 'behind' | 'leaving' | 'withdrawn' }
>;

/** The types of `HandshakeEvent`. */
export const HANDSHAKE_EVENTS: ReadonlySet<string> = new Set<HandshakeEvent['type']>([
  'epoch',
  'handshake',
  'rejected',
  'behind',
  'leaving',
  'withdrawn',
]);

/** A frame to write, and what became of the requests. */
export type HandshakesOutput =
  | { readonly type: 'write'; readonly frame: Frame }
  /** The log has no group info, so this client cannot join before a member posts one. */
  | { readonly type: 'no-group-info' }
  /** Ask the relay for the room of this secret, and stay there. `release-room`, or the next one, ends that. */
  | { readonly type: 'reserve-room'; readonly secret: Uint8Array }
  | { readonly type: 'release-room' }
  | RequestDone
  | RequestRefused;

/** How many requests may wait. */
const MAX_REQUESTS = 16;
/** The key of the next attempt to ask the relay for a room. */
const ROOM_RETRY = 'ask for the next room';

/**
 * Sends the handshakes of a device, one at a time: it joins, does what the client requests, removes members that leave,
 * and posts a group info if newcomers need one.
 *
 * A handshake is written once its state is stored and the log is read to its end, and again over each connection until
 * its echo is in the log. If another commit won the epoch, it is staged again after a random delay, unless nothing is
 * left to do. What any member could do waits a random time, so that one member does it.
 *
 * A commit that moves the room is staged once the relay has reserved the next room. If the relay refuses that room, the
 * request is refused and nothing is committed. The room is released when the request is settled, after a move when this
 * client has arrived.
 *
 * Completes with its source. Errors with it, with a `WithdrawnError` if the members moved to another invite, and with a
 * `GroupFullError`.
 *
 * ```text
 * in        ready-request---ready-other's epoch------ready-own epoch
 *             handshakes(options)
 * out       ----------------write----------(delay)---write-request-done
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import type { GroupInfo } from './engine.js';
 * import { handshakes, type HandshakesInput, type HandshakesOptions } from './handshakes.js';
 *
 * const outputs = (input$: Observable<HandshakesInput>, options: HandshakesOptions<unknown, GroupInfo>) =>
 *   input$.pipe(handshakes(options));
 */
export const handshakes = <State, Info extends GroupInfo>({
  context,
  session,
  role,
  random,
  randomBytes,
}: HandshakesOptions<State, Info>): OperatorFunction<HandshakesInput, HandshakesOutput> =>
  stateMachine<HandshakesInput, HandshakesOutput, { readonly type: 'due'; readonly key: string }>(
    (schedule) => {
      const requests: GroupRequest[] = [];
      /** What is done and has to be reported once the state is stored. */
      const done: HandshakesOutput[] = [];
      let phase: WritePhase = 'offline';
      /** What was staged last, until it is settled. */
      let staged: Need['type'] | undefined;
      /** What was written over this connection. */
      let written: Frame | string | undefined;
      let lostRaces = 0;
      let delayedNeed: string | undefined;
      let isDue = false;
      const nextRoom = createNextRoom(randomBytes);
      /** Whether a room was reserved and not released. */
      let holdsRoom = false;

      const settleRequest = (refusal?: RoomRefusal): HandshakesOutput[] => {
        nextRoom.reset();
        const request = requests.shift();
        if (request === undefined) return [];
        return [
          refusal === undefined
            ? { type: 'request-done', request }
            : { type: 'request-refused', request, ...refusal },
        ];
      };

      const onRoomAnswer = (answer: RoomAnswer): HandshakesOutput[] => {
        const result = nextRoom.onAnswer(answer);
        holdsRoom ||= answer.type === 'reserved';
        if (typeof result !== 'number') return result === undefined ? [] : settleRequest(result);
        schedule({ type: 'due', key: ROOM_RETRY }, result);
        return [];
      };

      /** Returns what an entry of the log settles. */
      const settle = (event: HandshakeEvent): HandshakesOutput[] => {
        if (
          event.type === 'leaving' &&
          requests[0]?.type === 'leave' &&
          event.member.device === ownMember(session.state)?.device
        )
          return settleRequest();
        if (staged === undefined || isPending(session.state)) return [];
        const isRequest = staged === 'request';
        staged = undefined;
        delayedNeed = undefined;
        const isWon = event.type === 'epoch' && event.isOwn;
        lostRaces = isWon ? 0 : lostRaces + 1;
        if (!isRequest) return [];
        // Those who could read the lost commit can know its secret.
        nextRoom.reset();
        if (isWon) {
          done.push(...settleRequest());
          return [];
        }
        return event.type === 'rejected' ? settleRequest({ reason: event.reason }) : [];
      };

      const update = (type: Need['type'], { state }: { readonly state: GroupState<State, Info> }) => {
        staged = type;
        session.update(state);
      };

      /** Does what is needed. A staged handshake is written once its state is stored. */
      const perform = ({ type, key }: Need, state: GroupState<State, Info>): HandshakesOutput[] => {
        switch (type) {
          case 'create':
            if (state.phase === 'newcomer' && role.type === 'creator')
              update(type, stageGroup(context, state, role.groupId));
            return [];
          case 'join': {
            if (state.phase === 'removed') return [];
            const join = stageJoin(context, state);
            if (typeof join !== 'string') update(type, join);
            else if (join === 'the group is full' && state.phase === 'newcomer')
              throw new GroupFullError('the group is full');
            else session.update(withoutGroupInfo(state));
            return reportMissingInfo(session.state);
          }
          case 'request':
            return state.phase === 'member' ? request(state, key) : [];
          case 'renew':
          case 'remove leaving': {
            if (state.phase !== 'member') return [];
            const remove = type === 'renew' ? [] : leavingLeaves(state);
            const commit = stageCommit(context, state, { remove });
            if (typeof commit !== 'string') update(type, commit);
            return [];
          }
          case 'post group info':
            if (state.phase !== 'member' || written === key) return [];
            written = key;
            return [{ type: 'write', frame: createGroupInfoFrame(context, state) }];
        }
      };

      const request = (state: MemberState<State, Info>, key: string): HandshakesOutput[] => {
        const [first] = requests;
        if (first === undefined) return [];
        if (first.type === 'leave') {
          if (written === key) return [];
          written = key;
          return [{ type: 'write', frame: stageLeave(context, state) }];
        }
        if (nextRoom.isWaiting) return [];
        const { secret } = nextRoom;
        const result = stageRequest(context, state, first, secret);
        // Another member may have removed the person meanwhile.
        if (result === NOT_A_MEMBER && (lostRaces > 0 || nextRoom.wasRequested)) return settleRequest();
        if (typeof result === 'string') return settleRequest({ reason: result });
        if (result.state.pending?.inviteSecret !== undefined && !nextRoom.isReserved) {
          nextRoom.request();
          return [{ type: 'reserve-room', secret }];
        }
        update('request', result);
        return [];
      };

      const advance = (): HandshakesOutput[] => {
        if (phase !== 'ready') return [];
        if (done.length > 0) return done.splice(0);
        if (holdsRoom && !nextRoom.isReserved) {
          holdsRoom = false;
          return [{ type: 'release-room' }];
        }
        const { state } = session;
        // The event that settles the handshake follows.
        if (staged !== undefined && !isPending(state)) return [];
        if (state.phase === 'newcomer' && state.isWithdrawn && state.groupInfo === undefined)
          throw new WithdrawnError('the invite is not valid any more: the room has another one');
        if (isPending(state)) {
          const { frame } = state.pending;
          if (written === frame) return [];
          written = frame;
          return [{ type: 'write', frame }];
        }
        const need = nextNeed(state, { role, request: requests[0], lostRaces, random });
        if (need === undefined) return reportMissingInfo(state);
        if (delayedNeed !== need.key) {
          delayedNeed = need.key;
          isDue = need.delayMs === 0;
          if (!isDue) schedule({ type: 'due', key: need.key }, need.delayMs);
        }
        return isDue ? perform(need, state) : [];
      };

      const reportMissingInfo = (state: GroupState<State, Info>): HandshakesOutput[] => {
        if (state.phase !== 'newcomer' || state.groupInfo !== undefined || written === 'no group info')
          return [];
        written = 'no group info';
        return [{ type: 'no-group-info' }];
      };

      return function* (input) {
        switch (input.type) {
          case 'write-phase':
            phase = input.phase;
            if (phase === 'offline') {
              written = undefined;
              nextRoom.onOffline();
            }
            break;
          case 'request':
            if (requests.length < MAX_REQUESTS) requests.push(input.request);
            else yield { type: 'request-refused', request: input.request, reason: 'too many requests wait' };
            break;
          case 'due':
            if (input.key === ROOM_RETRY) nextRoom.onRetry();
            else if (delayedNeed === input.key) isDue = true;
            break;
          case 'room-answer':
            yield* onRoomAnswer(input.answer);
            break;
          default:
            yield* settle(input);
        }
        // A request that is settled at once makes room for the next.
        for (let outputs = advance(); outputs.length > 0; outputs = advance()) {
          yield* outputs;
          if (outputs.every(({ type }) => type === 'write')) return;
        }
      };
    },
  );

const isPending = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
): state is Extract<GroupState<State, Info>, { readonly pending: unknown }> & {
  readonly pending: NonNullable<MemberState<State, Info>['pending']>;
} => state.phase !== 'removed' && state.pending !== undefined;
