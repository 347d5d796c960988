import {
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  type Observable,
  type OperatorFunction,
  pipe,
  Subject,
  switchMap,
  tap,
} from 'rxjs';
import {
  client,
  type ClientOptions,
  type ConnectionEvent,
  type OpenedMessage,
  type RoomContext,
  type RoomMethod,
} from './client.js';
import { constantTimeEqualBytes } from '../wire/constantTimeEqual.js';
import type { ClientEvent } from './clientEvent.js';
import type { FernetKey } from './envelope/cipher.js';
import type { MessageContent } from './envelope/messageContent.js';
import type { GroupInfo } from './group/engine.js';
import {
  formatRoomCode,
  type GroupRequest,
  toEpochStarted,
  toGroupMember,
} from './group/groupClientEvent.js';
import { forgetKeys } from './group/forgetKeys.js';
import type { FormerLog } from './group/formerLog.js';
import { formerLogReader } from './group/formerLogReader.js';
import type { GroupContext } from './group/groupEpoch.js';
import { MovedRoomRefusedError, RemovedError, WithdrawnError } from './group/errors.js';
import { createGroupSession, type NotAFrame } from './group/groupSession.js';
import { createNewcomer, type GroupEvent, type GroupState } from './group/groupState.js';
import {
  HANDSHAKE_EVENTS,
  type HandshakeEvent,
  handshakes,
  type HandshakesInput,
  type HandshakesOutput,
} from './group/handshakes.js';
import type { GroupRole } from './group/handshakeNeed.js';
import { openInGroup, type UnreadEntry } from './group/openInGroup.js';
import { createReadBack } from './group/readBack.js';
import { type ReadStart, readStart } from './group/readStart.js';
import { canSave, persistState } from './group/persistState.js';
import { formatSnapshot, type Snapshot } from './group/savedState.js';
import { formatSlotRecord } from './group/slotRecord.js';
import { orderAfter, type SnapshotOrder } from './group/snapshotOrder.js';
import { sealInGroup } from './group/sealInGroup.js';
import type { Credentials } from './join.js';
import type { Resume } from '../wire/fields.js';
import type { AuditedMessage, MembershipInput } from './membership.js';
import { reserveRoom } from './reserveRoom.js';
import { type QueuedMessage, toQueued } from './send/outbox.js';
import type { OutgoingMessage } from './send/seal.js';

/** What the secret of an invite gives: the room at the relay, and the key of its tokens. */
export interface GroupRoom extends Pick<Credentials, 'room' | 'sign' | 'owner'> {
  readonly outerKey: FernetKey;
}

export interface GroupRoomClientOptions<State, Info extends GroupInfo> extends ClientOptions {
  readonly group: GroupOptions<State, Info>;
}

export interface GroupOptions<State, Info extends GroupInfo> {
  readonly context: GroupContext<State, Info>;
  readonly role: GroupRole;
  /** SECRET. The secret of the invite: 32 bytes. That of a snapshot is newer. */
  readonly inviteSecret: Uint8Array;
  /** Derives the room of an invite's secret. */
  readonly deriveRoom: (inviteSecret: Uint8Array) => GroupRoom;
  /** What an earlier run of this device stored. */
  readonly snapshot?: Snapshot<State, Info> | undefined;
  /** The order of that snapshot. */
  readonly order?: SnapshotOrder | undefined;
  /**
   * Stores a snapshot, and what the slot of this process reserved. Completes once a crash cannot lose them; errors if
   * they are not stored.
   */
  readonly save: (snapshot: Uint8Array, order: SnapshotOrder, slotRecord?: Uint8Array) => Observable<unknown>;
  /** Emits what the client requests of the group. */
  readonly request$: Observable<GroupRequest>;
  /** Returns a random number that is not secret, 0 <= x < 1, for delays. */
  readonly random: () => number;
  /** Returns random bytes for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** What a group room opens. */
type GroupInput = Exclude<GroupEvent, { type: 'opened' }> | NotAFrame | UnreadEntry | RelayInput;

type RelayInput = Extract<MembershipInput, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' | 'pong' }>;

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
 * import { groupRoomClient, type GroupRoomClientOptions } from './groupRoomClient.js';
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

/** Codes of a relay that does not serve a room, or not to one more member. */
const ROOM_REFUSALS: ReadonlySet<string> = new Set(['room-not-allowed', 'room-full']);

const groupMethod = <State, Info extends GroupInfo>(
  options: GroupRoomClientOptions<State, Info>,
  { member, getAttestation, recordUnreadable }: RoomContext,
  { formerLogs, isLogUnknown }: Pick<ReadStart, 'formerLogs' | 'isLogUnknown'>,
): RoomMethod<GroupInput> => {
  const { identity, senderSession, now, group } = options;
  const { context, role, snapshot, deriveRoom } = group;
  const moves = new Subject<void>();
  const inputs = new Subject<HandshakesInput>();
  const nextRooms = new Subject<Uint8Array | undefined>();
  const first: GroupState<State, Info> =
    snapshot === undefined || snapshot.state.phase === 'removed' ? createNewcomer() : snapshot.state;
  let inviteSecret = first.phase === 'member' && snapshot ? snapshot.inviteSecret : group.inviteSecret;
  let room = deriveRoom(inviteSecret);
  let counter = 0;
  let earlierCount = 0;
  let isResumed = first.phase !== 'member';
  const readBack = role.type === 'external' ? createReadBack() : undefined;
  /** Whether this client has read enough of the log to take part, once it has caught up. */
  const hasReadEnough = () => former === undefined && (readBack?.isEnough(session.state) ?? true);
  const openFormerLog = (log: FormerLog | undefined) => {
    if (log === undefined || first.phase !== 'member') return undefined;
    const formerRoom = deriveRoom(log.inviteSecret);
    return { room: formerRoom, open: formerLogReader(context, first, log, formerRoom.outerKey) };
  };
  const logsToRead = [...formerLogs];
  /** The former log that this client reads now. It takes part in the group only once it reads the present one. */
  let former = openFormerLog(logsToRead.shift());
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

  const newContent = ({ lines, act }: OutgoingMessage): MessageContent => {
    counter += 1;
    const { nick = '', stored, seen } = getAttestation();
    // The messages of an earlier run are not numbered in this one.
    const ownStored = Math.max(0, stored - earlierCount);
    return { nick, lines, act, session: senderSession, counter, time: now(), stored: ownStored, seen };
  };
  /** With the same content, the others recognise a message of an earlier run that the log has already. */
  const earlierContent = (content: MessageContent): MessageContent => {
    earlierCount += 1;
    return content;
  };
  const sealAgain = (message: QueuedMessage) => session.seal(message.content ?? newContent(message));

  /** Where to read on, as stored by an earlier run, until this one follows to another log. */
  let stored = first.phase === 'member' ? snapshot?.resume : undefined;
  /** Where the next run reads on. What this one reads again, the next one has read. */
  const resumeOf = (): Resume | undefined => {
    if (former !== undefined) return stored;
    const { after } = member.resumePoint;
    return stored !== undefined && after !== undefined && after.n < stored.n ? stored : after;
  };
  let saved: GroupState<State, Info> = first;
  let order: SnapshotOrder = group.order ?? { epoch: 0, position: 0 };
  const save = (state: GroupState<State, Info>) => {
    saved = state;
    const resume = resumeOf();
    order = orderAfter(order, state, resume?.n ?? 0);
    return group.save(
      formatSnapshot(context.engine, {
        inviteSecret,
        resume: state.phase === 'member' ? resume : undefined,
        state,
      }),
      order,
      state.phase === 'removed' ? undefined : formatSlotRecord(context.engine, state),
    );
  };
  /** Stores what was read last. If it fails, the next run reads it again. */
  const saveLast = () => {
    const { state } = session;
    if (state !== saved && canSave(state)) save(state).subscribe({ error: () => undefined });
  };

  const moveTo = (secret: Uint8Array) => {
    const log = member.resumePoint.after?.log;
    const left = log === undefined ? undefined : { log, inviteSecret };
    inviteSecret = secret;
    room = deriveRoom(secret);
    stored = undefined;
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
    if (move.secret === undefined)
      throw new WithdrawnError('the room moved to another invite, and this device was not told which');
    yield* member.handle(toEpochStarted(event));
    moveTo(move.secret);
    yield { type: 'invite-changed', secret: move.secret };
  };

  const onWelcome = function* (event: Extract<RelayInput, { type: 'welcome' }>): Iterable<ClientEvent> {
    if (former === undefined) isMoving = false;
    const outputs = member.handle(event);
    const isLogChanged = outputs.some(({ type }) => type === 'log-changed');
    if (isLogChanged && former === undefined) {
      stored = undefined;
      session.changeLog();
      // An empty log is read to its end already, so no entry follows by which members see that it has no group info.
      inputs.next({ type: 'write-phase', phase: member.writePhase });
    }
    // The relay lost a former log. What follows in its place is not of this group's past.
    if (isLogChanged && former !== undefined) former = { ...former, open: () => [] };
    if (!isUnknownReported && !isLogChanged) outputs.push({ type: 'log-changed', log: event.log });
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
    yield { type: 'removed', position: event.position, by: toGroupMember(event.committer) };
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
    const next = logsToRead.shift();
    former = openFormerLog(next);
    member.leave();
    const log = next?.log ?? snapshot?.resume?.log ?? '*';
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
      case 'withdrawn':
        return member.handle({ type: 'handshake', position: event.position });
      case 'behind':
        return member.handle({ type: 'behind', position: event.position, epoch: event.epoch });
      case 'leaving':
        return member.handle({ ...event, member: toGroupMember(event.member) });
      case 'undecryptable': {
        const { reason, ...rest } = event;
        return member.handle({ ...rest, reason: reason === 'not a frame' ? 'not an envelope' : reason });
      }
      case 'removed':
        return leaveAfterRemoval(event);
      default:
        return member.handle(event);
    }
  };

  const reserve = (secret: Uint8Array) => {
    const { room, sign, owner } = deriveRoom(secret);
    return reserveRoom({ ...options, room, sign, owner, nick: getAttestation().nick ?? options.nick });
  };

  return {
    credentials: () => former?.room ?? room,
    explainRefusal: (error) =>
      isMoving && former === undefined && ROOM_REFUSALS.has(error.code)
        ? new MovedRoomRefusedError(error)
        : error,
    open: pipe(
      openInGroup<ConnectionEvent, State, Info>({
        open: (entry) => (former === undefined ? session.open(entry) : former.open(entry)),
      }),
      map(toOpenedMessage),
    ),
    seal: pipe(
      map((message: OutgoingMessage & Pick<QueuedMessage, 'content'>) =>
        message.content === undefined ? newContent(message) : earlierContent(message.content),
      ),
      sealInGroup(session),
      map(({ content, token }) => toQueued({ ...content, token }, content)),
    ),
    handle: function* (event) {
      followEpoch();
      yield* handleEvent(event);
      if (former === undefined && isHandshakeEvent(event)) inputs.next(event);
      if (event.type === 'epoch' && event.move !== undefined) moves.next();
      if (member.writePhase === 'ready' && !hasReadEnough()) {
        if (former === undefined) readFurtherBack();
        else yield readNextLog();
        moves.next();
      }
    },
    canSeal: () =>
      session.canSeal && hasReadEnough() && (role.type !== 'external' || member.writePhase === 'ready'),
    moved$: moves,
    output$: merge(
      session.state$.pipe(
        persistState({ stored: first, save }),
        tap((isStored) => {
          if (isStored) member.resume();
          else member.pause();
        }),
        ignoreElements(),
        finalize(saveLast),
      ),
      forgetKeys(session, context),
      nextRooms.pipe(
        switchMap((secret) => (secret === undefined ? EMPTY : reserve(secret))),
        tap((answer) => {
          inputs.next({ type: 'room-answer', answer });
        }),
        ignoreElements(),
      ),
      merge(
        inputs,
        member.writePhase$.pipe(
          map((phase) => (phase === 'ready' && !hasReadEnough() ? 'waiting' : phase)),
          map((phase): HandshakesInput => ({ type: 'write-phase', phase })),
        ),
        group.request$.pipe(map((request): HandshakesInput => ({ type: 'request', request }))),
      ).pipe(
        handshakes({ ...group, context, session, role }),
        mergeMap((output: HandshakesOutput): readonly ClientEvent[] => {
          switch (output.type) {
            case 'write':
              member.writeToken(session.sealHandshake(output.frame, now()));
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
      ),
    ),
  };
};

const toOpenedMessage = <T extends { readonly type: string }>(
  event: T | Extract<GroupEvent, { type: 'opened' }>,
): Exclude<T, { readonly type: 'opened' }> | OpenedMessage => {
  if (!isOpened(event)) return event as Exclude<T, { readonly type: 'opened' }>;
  const { type, position, token, envelope, sender } = event;
  const external = sender === undefined ? ({ external: true } as const) : undefined;
  return { type, position, token, envelope, contentId: envelope.bodyHash, ...external };
};

const isOpened = (event: {
  readonly type: string;
}): event is Extract<GroupEvent, { readonly type: 'opened' }> => event.type === 'opened';

const isHandshakeEvent = (event: GroupInput | AuditedMessage): event is HandshakeEvent =>
  HANDSHAKE_EVENTS.has(event.type);
