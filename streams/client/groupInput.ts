import type { OpenedMessage } from './client.js';
import { toGroupMember } from './group/groupClientEvent.js';
import type { NotAFrame } from './group/groupSession.js';
import type { GroupEvent } from './group/groupState.js';
import { HANDSHAKE_EVENTS, type HandshakeEvent } from './group/handshakes.js';
import type { UnreadEntry } from './group/openInGroup.js';
import type { AuditedMessage, MembershipInput } from './membership.js';

/** What a group room opens. */
export type GroupInput = Exclude<GroupEvent, { type: 'opened' }> | NotAFrame | UnreadEntry | RelayInput;

type RelayInput = Extract<MembershipInput, { type: 'welcome' | 'joined' | 'left' | 'gap' | 'bye' | 'pong' }>;

type ReportedEvent = Exclude<
  GroupInput | AuditedMessage,
  { type: 'epoch' | 'welcome' | 'unread' | 'beforeJoin' | 'removed' }
>;

/** Returns what a membership handles. */
export const toMembershipInput = (event: ReportedEvent): MembershipInput => {
  switch (event.type) {
    case 'withdrawn':
      return { type: 'handshake', position: event.position };
    case 'behind':
      return { type: 'behind', position: event.position, epoch: event.epoch };
    case 'leaving':
      return { ...event, member: toGroupMember(event.member) };
    case 'undecryptable': {
      const { reason, ...rest } = event;
      return { ...rest, reason: reason === 'not a frame' ? 'not an envelope' : reason };
    }
    default:
      return event;
  }
};

/** Returns an event of `openInGroup` as an event of a room. */
export const toOpenedMessage = <T extends { readonly type: string }>(
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

/** Whether `handshakes` needs an event. */
export const isHandshakeEvent = (event: GroupInput | AuditedMessage): event is HandshakeEvent =>
  HANDSHAKE_EVENTS.has(event.type);
