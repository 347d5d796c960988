import {
  concat,
  defer,
  finalize,
  ignoreElements,
  map,
  merge,
  type OperatorFunction,
  pipe,
  Subject,
  tap,
} from 'rxjs';
import { constantTimeEqualBytes } from '../wire/constantTimeEqual.js';
import { sharedPosition } from '../wire/fields.js';
import { client, type RoomContext, type RoomMethod } from './client.js';
import type { ConnectionEvent } from './connectionEvent.js';
import type { ClientEvent } from './clientEvent.js';
import type { GroupInfo } from './group/engine.js';
import { RemovedError, WithdrawnError } from './group/errors.js';
import { forgetKeys } from './group/forgetKeys.js';
import { createFormerLogs } from './group/formerLogs.js';
import { formatRoomCode, toEpochStarted, toGroupMember } from './group/groupClientEvent.js';
import { createGroupSession } from './group/groupSession.js';
import { createNewcomer, type GroupEvent, type GroupState } from './group/groupState.js';
import type { HandshakesInput } from './group/handshakes.js';
import { createMessageContents } from './group/messageContents.js';
import { openInGroup } from './group/openInGroup.js';
import { persistState } from './group/persistState.js';
import { createReadBack } from './group/readBack.js';
import { type ReadStart, readStart } from './group/readStart.js';
import { runHandshakes } from './group/runHandshakes.js';
import { sealInGroup } from './group/sealInGroup.js';
import { createSnapshotSaver } from './group/snapshotSaver.js';
import { type GroupInput, isHandshakeEvent, toMembershipInput, toOpenedMessage } from './groupInput.js';
import type { GroupRoomClientOptions } from './groupRoomOptions.js';
import type { AuditedMessage } from './membership.js';
import { reserveRoom } from './reserveRoom.js';
import { type QueuedMessage, toQueued } from './send/outbox.js';
import type { OutgoingMessage } from './send/seal.js';

/**
 * Connects messages to a group room: the whole client side of it.
 *
 * It is `roomClient` with the keys of a group. A client with the role `member` joins the group, with its state of an
 * earlier run if there is one, and subscribes to the messages once it is a member. An `external` client subscribes once
 * it has read the group info; it seals messages and opens none. When the keys change before the echo of a message, the
 * same message is sealed again. When the room moves to another invite, the client follows.
 *
 * Emits the events of `roomClient` and those of `GroupClientEvent`. Errors as `roomClient`, with `save`, and with a
 * `RemovedError` after a removal, a `WithdrawnError` if the invite is not valid any more, and a `GroupFullError`.
 *
 * ```text
 * message   --------------hello-----------------------
 *             groupRoomClient(options)
 * event     --welcome-epoch-queued-(message,stored)-epoch-
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import type { GroupInfo } from './group/engine.js';
 * import { groupRoomClient } from './groupRoomClient.js';
 * import type { GroupRoomClientOptions } from './groupRoomOptions.js';
 *
 * const hello = (options: GroupRoomClientOptions<unknown, GroupInfo>) =>
 *   of({ lines: ['hello'] }).pipe(groupRoomClient(options));
 */
export const groupRoomClient =
  <State, Info extends GroupInfo>({
    pendingMessages = [],
    ...options
  }: GroupRoomClientOptions<State, Info>): OperatorFunction<OutgoingMessage, ClientEvent> =>
  (message$) =>
    defer(() => {
      const start = readStart({ ...options.group, ...options });
      const { after, last } = start;
      // The tokens of an earlier run are void: its messages are sealed again first, once this client can.
      return concat(pendingMessages, message$).pipe(
        client<GroupInput>({ ...options, after, last }, (room) => groupMethod(options, room, start)),
      );
    });

/** Codes of a relay that does not serve a room, or not to one more member, or that has the nick there already. */
const ROOM_REFUSALS: ReadonlySet<string> = new Set(['room-not-allowed', 'room-full', 'nick-taken']);

const NEXT_INVITE_UNKNOWN = 'the room has another invite, which this device does not know';

const groupMethod = <State, Info extends GroupInfo>(
  options: GroupRoomClientOptions<State, Info>,
  { member, getAttestation, recordUnreadable }: RoomContext,
  { formerLogs, isLogUnknown }: Pick<ReadStart, 'formerLogs' | 'isLogUnknown'>,
): RoomMethod<GroupInput> => {
  const { identity, senderSession, now, group } = options;
  const { context, role, snapshot, deriveRoom } = group;
  const moves = new Subject<void>();
  const inputs = new Subject<HandshakesInput>();
  const first: GroupState<State, Info> =
    snapshot === undefined || snapshot.state.phase === 'removed' ? createNewcomer() : snapshot.state;
  let inviteSecret = first.phase === 'member' && snapshot ? snapshot.inviteSecret : group.inviteSecret;
  let room = deriveRoom(inviteSecret);
  let isResumed = first.phase !== 'member';
  /** This client takes part in the group only once it reads the present log. */
  const former = createFormerLogs(context, first, formerLogs, deriveRoom);
  const readBack = role.type === 'external' ? createReadBack() : undefined;
  /** Whether this client has read enough of the log to take part, once it has caught up. */
  const hasReadEnough = () => !former.isReading && (readBack?.isEnough(session.state) ?? true);
  let isUnknownReported = !isLogUnknown;
  /** Whether the group moved to this room, and the relay has not let this client in yet: it knows no log there. */
  let isMoving = first.phase === 'member' && snapshot?.resume?.log === '*';

  const session = createGroupSession<State, Info>({
    context,
    state: first,
    outerKey: room.outerKey,
    deriveOuterKey: (secret) => deriveRoom(secret).outerKey,
    externalIdentity: role.type === 'external' ? identity : undefined,
    now,
  });

  const contents = createMessageContents({ senderSession, now, getAttestation });
  const sealAgain = (message: QueuedMessage) => session.seal(message.content ?? contents.create(message));

  const saver = createSnapshotSaver<State, Info>({
    engine: context.engine,
    save: group.save,
    order: group.order,
    state: first,
    resume: first.phase === 'member' ? snapshot?.resume : undefined,
    getInviteSecret: () => inviteSecret,
    getReadPosition: () => (former.isReading ? undefined : member.resumePoint.after),
  });

  const moveTo = (secret: Uint8Array) => {
    const log = member.resumePoint.after?.log;
    const left = log === undefined ? undefined : { log, inviteSecret };
    inviteSecret = secret;
    room = deriveRoom(secret);
    saver.followLog();
    isMoving = true;
    member.moveToNewRoom();
    session.changeLog(left);
    member.reseal(sealAgain);
  };

  const enterEpoch = function* (event: Extract<GroupEvent, { type: 'epoch' }>): Iterable<ClientEvent> {
    const { move } = event;
    if (move === undefined) {
      member.reseal(sealAgain);
      yield* member.handle(toEpochStarted(event));
      return;
    }
    if (move.secret === undefined) throw new WithdrawnError(NEXT_INVITE_UNKNOWN);
    yield* member.handle(toEpochStarted(event));
    moveTo(move.secret);
    yield { type: 'invite-changed', secret: move.secret };
  };

  const onWelcome = function* (event: Extract<GroupInput, { type: 'welcome' }>): Iterable<ClientEvent> {
    if (!former.isReading) isMoving = false;
    const outputs = member.handle(event);
    const changed = outputs.find((output) => output.type === 'log-changed');
    // A position in a log that this device does not know says nothing about the log of its state.
    const stateLog = isUnknownReported ? undefined : snapshot?.resume?.log;
    const shared =
      changed === undefined || stateLog !== undefined
        ? sharedPosition(event, stateLog ?? event.log)
        : changed.shared;
    if (shared !== Infinity && !former.isReading) {
      saver.followLog();
      if (shared === undefined) session.changeLog();
      else session.continueLog(shared);
      // An empty log is read to its end already, so no entry follows by which members see that it has no group info.
      inputs.next({ type: 'write-phase', phase: member.writePhase });
    }
    if (changed !== undefined && former.isReading) former.onLogChanged(changed.shared);
    if (!isUnknownReported && changed === undefined) outputs.push({ type: 'log-changed', log: event.log });
    isUnknownReported = true;
    const { state } = session;
    if (isResumed || state.phase !== 'member') {
      yield* outputs;
      return;
    }
    isResumed = true;
    const { members, epoch, epochAuthenticator } = state.epoch.view;
    // Before the welcome, so that the members are known when a client shows who is online.
    yield {
      type: 'resumed',
      epoch,
      members: members.map(toGroupMember),
      code: formatRoomCode(epochAuthenticator),
    };
    yield* outputs;
    // The room moved in an earlier run, and this one was started with the invite of before.
    if (!constantTimeEqualBytes(inviteSecret, group.inviteSecret))
      yield { type: 'invite-changed', secret: inviteSecret };
  };

  const leaveAfterRemoval = function* (
    event: Extract<GroupEvent, { type: 'removed' }>,
  ): Iterable<ClientEvent> {
    const { position, committer } = event;
    if (committer !== undefined) yield { type: 'removed', position, by: toGroupMember(committer) };
    throw new RemovedError('a member removed you from this room');
  };

  let externalEpoch: number | undefined;
  /** Seals the messages of an external sender again after an epoch that it followed. */
  const followEpoch = () => {
    const { state } = session;
    if (role.type !== 'external' || state.phase !== 'newcomer' || state.groupInfo === undefined) return;
    if (!hasReadEnough()) return;
    if (externalEpoch !== state.groupInfo.epoch) member.reseal(sealAgain);
    externalEpoch = state.groupInfo.epoch;
  };
  const readFurtherBack = () => {
    if (readBack === undefined) return;
    readBack.readMore();
    session.update(createNewcomer());
    externalEpoch = undefined;
    member.readFrom(readBack.start);
  };
  /** Reads the log to which the room moved from a former one, from its beginning on. */
  const readNextLog = (): ClientEvent => {
    member.leave();
    const log = former.readNext() ?? snapshot?.resume?.log ?? '*';
    member.readFrom({ after: { log, n: 0 }, last: undefined });
    return { type: 'invite-changed', secret: inviteSecret };
  };

  const handleEvent = (event: GroupInput | AuditedMessage): Iterable<ClientEvent> => {
    switch (event.type) {
      case 'epoch':
        return enterEpoch(event);
      case 'welcome':
        readBack?.onWelcome(event);
        return onWelcome(event);
      case 'unread': {
        const outputs = member.handle(event);
        // What a newcomer cannot read is reported as one range when it joins.
        return role.type === 'external' ? outputs : outputs.filter(({ type }) => type !== 'unread');
      }
      case 'beforeJoin':
        recordUnreadable();
        return [{ type: 'before-join', from: event.from, to: event.to }];
      case 'removed':
        return leaveAfterRemoval(event);
      case 'withdrawn':
        // A newcomer reads on: a later group info may take it back.
        if (event.wasMember) throw new WithdrawnError(NEXT_INVITE_UNKNOWN);
        return member.handle(toMembershipInput(event));
      default:
        return member.handle(toMembershipInput(event));
    }
  };

  const reserve = (secret: Uint8Array) => {
    const { room, sign, owner } = deriveRoom(secret);
    return reserveRoom({ ...options, room, sign, owner, nick: getAttestation().nick ?? options.nick });
  };

  return {
    credentials: () => former.room ?? room,
    // The members that followed a commit have no other room, and the operator of the relay can allow it.
    explainRefusal: ({ code }) =>
      isMoving && !former.isReading && ROOM_REFUSALS.has(code)
        ? 'the relay refuses the room to which the group moved'
        : undefined,
    open: pipe(
      openInGroup<ConnectionEvent, State, Info>({
        open: (entry) => (former.isReading ? former.open(entry) : session.open(entry)),
      }),
      map(toOpenedMessage),
    ),
    seal: pipe(
      map((message: OutgoingMessage & Pick<QueuedMessage, 'content'>) =>
        message.content === undefined ? contents.create(message) : contents.reuse(message.content),
      ),
      sealInGroup(session),
      map(({ content, token }) => toQueued({ ...content, token }, content)),
    ),
    handle: function* (event) {
      followEpoch();
      yield* handleEvent(event);
      if (!former.isReading && isHandshakeEvent(event)) inputs.next(event);
      if (event.type === 'epoch' && event.move !== undefined) moves.next();
      if (member.writePhase === 'ready' && !hasReadEnough()) {
        if (former.isReading) yield readNextLog();
        else readFurtherBack();
        moves.next();
      }
    },
    canSeal: () =>
      session.canSeal && hasReadEnough() && (role.type !== 'external' || member.writePhase === 'ready'),
    moved$: moves,
    output$: merge(
      session.state$.pipe(
        persistState({ stored: first, save: saver.save }),
        tap((isStored) => {
          if (isStored) member.resume();
          else member.pause();
        }),
        ignoreElements(),
        finalize(() => {
          saver.saveLast(session.state);
        }),
      ),
      forgetKeys(session, context),
      runHandshakes(
        merge(
          inputs,
          member.writePhase$.pipe(
            map((phase) => (phase === 'ready' && !hasReadEnough() ? 'waiting' : phase)),
            map((phase): HandshakesInput => ({ type: 'write-phase', phase })),
          ),
          group.request$.pipe(map((request): HandshakesInput => ({ type: 'request', request }))),
        ),
        { ...group, context, session, role },
        {
          reserveRoom: reserve,
          write: (frame) => {
            member.writeToken(session.sealHandshake(frame, now()));
          },
        },
      ),
    ),
  };
};
