import { BehaviorSubject, type Observable } from 'rxjs';
import type { FernetKey, Token } from '../envelope/cipher.js';
import type { Identity } from '../envelope/identity.js';
import type { MessageContent } from '../envelope/messageContent.js';
import type { TokenEntry } from '../receive/entries.js';
import { applyFrame } from './applyFrame.js';
import { RemovedError } from './errors.js';
import type { GroupInfo } from './engine.js';
import type { FormerLog } from './formerLog.js';
import { type Frame, openFrame, sealFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import { forgetOld } from './pastEpochs.js';
import { changeLog, continueLog, type GroupEvent, type GroupState } from './groupState.js';
import {
  createExternalSender,
  type ExternalSender,
  hasSkippedTooMany,
  sealExternalMessage,
  sealMessage,
  tokenTimeOf,
} from './sealMessage.js';

export interface GroupSessionOptions<State, Info extends GroupInfo> {
  readonly context: GroupContext<State, Info>;
  readonly state: GroupState<State, Info>;
  /** The key of the tokens in the room's log, derived from the secret of its invite. */
  readonly outerKey: FernetKey;
  /** Derives the outer key from the secret of another invite. */
  readonly deriveOuterKey: (inviteSecret: Uint8Array) => FernetKey;
  /** Signs the messages of an external sender, which holds the invite and does not join. Missing for a member. */
  readonly externalIdentity?: Identity | undefined;
  /** Returns the time of day in ms since 1970, by which message keys are forgotten. */
  readonly now: () => number;
}

/** The state of a device in a group room, as opening and sealing share it. */
export interface GroupSession<State, Info extends GroupInfo> {
  readonly state: GroupState<State, Info>;
  /** Emits the state, and each state after it. */
  readonly state$: Observable<GroupState<State, Info>>;
  /** Replaces the state by one with a staged handshake. */
  readonly update: (state: GroupState<State, Info>) => void;
  /** Opens a token of the log. The state has changed before the events are returned. */
  readonly open: (entry: TokenEntry) => readonly (GroupEvent | NotAFrame)[];
  /** Whether `seal` has the keys that it needs. */
  readonly canSeal: boolean;
  /**
   * Seals a message for the present epoch. After a move the token belongs into the next room.
   *
   * Throws a `RemovedError` after a removal, and a `TypeError` unless `canSeal`.
   */
  readonly seal: (content: MessageContent) => Token;
  /** Encrypts a handshake. `timeMs` is the time of day in ms since 1970. */
  readonly sealHandshake: (frame: Frame, timeMs: number) => Token;
  /** Forgets the message keys that are too old by the setting of the device. */
  readonly forget: () => void;
  /**
   * Begins to read another log: that of the next room, or of a relay that lost its log. If the room moved, `former` is the
   * log that it left.
   */
  readonly changeLog: (former?: Pick<FormerLog, 'log' | 'inviteSecret'>) => void;
  /** Begins to read a log that has the entries of the former one up to a position, and other ones after it. */
  readonly continueLog: (shared: number) => void;
}

/** A token that no holder of the invite made. */
export interface NotAFrame {
  readonly type: 'undecryptable';
  readonly position: number;
  readonly reason: 'malformed' | 'wrong key or tampered' | 'expired' | 'from the future' | 'not a frame';
}

/** Creates the session of a device in a group room. */
export const createGroupSession = <State, Info extends GroupInfo>({
  context,
  state: first,
  outerKey,
  deriveOuterKey,
  externalIdentity,
  now,
}: GroupSessionOptions<State, Info>): GroupSession<State, Info> => {
  const states = new BehaviorSubject(forgetOld(context, first, now()));
  let openKey = outerKey;
  let sealKey = outerKey;
  let external: { readonly info: Info; readonly sender: ExternalSender | undefined } | undefined;

  const sealExternal = (content: MessageContent, info: Info, identity: Identity): Frame => {
    // Two group infos of an epoch can have different keys: a wrong one, and the right one after it.
    const before = external?.info === info ? external.sender : createExternalSender(context, info);
    if (before === undefined) throw new TypeError('the key for external senders cannot be used');
    const { sender, frame } = sealExternalMessage(context, before, content, identity);
    external = { info, sender };
    return frame;
  };

  const sealContent = (content: MessageContent): Frame => {
    const { value } = states;
    if (value.phase === 'removed') throw new RemovedError('a member removed you from this room');
    if (value.phase === 'newcomer') {
      if (externalIdentity === undefined || value.groupInfo === undefined)
        throw new TypeError('only a member can seal messages');
      return sealExternal(content, value.groupInfo, externalIdentity);
    }
    const { state, frame } = sealMessage(context, value, content);
    states.next(state);
    return frame;
  };

  return {
    get state() {
      return states.value;
    },
    state$: states.asObservable(),
    update: (state) => states.next(state),
    open: ({ position, token }) => {
      const frame = openFrame(context.cipher, openKey, token);
      if (typeof frame === 'string') return [{ type: 'undecryptable', position, reason: frame }];
      const { state, events } = applyFrame(context, states.value, { position, token, frame, timeMs: now() });
      for (const event of events)
        if (event.type === 'epoch' && event.move?.secret !== undefined)
          sealKey = deriveOuterKey(event.move.secret);
      states.next(state);
      return events;
    },
    get canSeal() {
      const { value } = states;
      return value.phase === 'newcomer'
        ? externalIdentity !== undefined && value.groupInfo !== undefined
        : value.phase === 'member' && !hasSkippedTooMany(value);
    },
    seal: (content) => sealFrame(context.cipher, sealKey, sealContent(content), tokenTimeOf(content.time)),
    sealHandshake: (frame, timeMs) => sealFrame(context.cipher, sealKey, frame, tokenTimeOf(timeMs)),
    forget: () => {
      const state = forgetOld(context, states.value, now());
      if (state !== states.value) states.next(state);
    },
    changeLog: (former) => {
      openKey = sealKey;
      states.next(forgetOld(context, changeLog(states.value, former), now()));
    },
    continueLog: (shared) => {
      states.next(continueLog(states.value, shared));
    },
  };
};
