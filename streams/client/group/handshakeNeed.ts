import type { GroupInfo, Member } from './engine.js';
import type { GroupRequest } from './groupClientEvent.js';
import type { GroupState } from './groupState.js';
import { hasSkippedTooMany } from './sealMessage.js';

/** What a client is in a group room: it makes the group, takes part in it, or only sends. */
export type GroupRole =
  | { readonly type: 'creator'; readonly groupId: Uint8Array }
  | { readonly type: 'member' }
  | { readonly type: 'external' };

/** A handshake that the state asks for. `key` names the attempt: a lost race needs another one. */
export interface Need {
  readonly type: 'create' | 'join' | 'renew' | 'request' | 'remove leaving' | 'post group info';
  readonly key: string;
  readonly delayMs: number;
}

/** What the next handshake depends on besides the state. */
export interface NeedContext {
  readonly role: GroupRole;
  /** The first request that waits. */
  readonly request: GroupRequest | undefined;
  /** How many commits of others came first, since the last own one. */
  readonly lostRaces: number;
  /** Returns a random number that is not secret, 0 <= x < 1. */
  readonly random: () => number;
}

/** The greatest delay after one lost race in ms. It doubles with each further one. */
const FIRST_RETRY_MS = 60;
const MAX_RETRY_MS = 4000;
/** The greatest delay of a handshake that each member could send, in ms: one is enough. */
const SPREAD_MS = 2000;

/** Returns the handshake that a state needs next, or `undefined`. */
export const nextNeed = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
  { role, request, lostRaces, random }: NeedContext,
): Need | undefined => {
  const retryMs = lostRaces === 0 ? 0 : random() * Math.min(FIRST_RETRY_MS * 2 ** lostRaces, MAX_RETRY_MS);
  const need = (type: Need['type'], delayMs = retryMs): Need => ({
    type,
    key: `${type} ${epochOf(state)} ${lostRaces}`,
    delayMs,
  });
  if (state.phase === 'removed') return undefined;
  if (state.phase === 'newcomer') {
    if (role.type === 'external') return undefined;
    if (state.groupInfo !== undefined) return need('join');
    return role.type === 'creator' && !state.isWithdrawn ? need('create') : undefined;
  }
  if (state.ahead !== undefined) return need('join');
  if (hasSkippedTooMany(state)) return need('renew');
  const isCommitter = state.epoch.committer === ownMember(state)?.identity;
  const groupInfo = state.needsGroupInfo
    ? need('post group info', isCommitter ? 0 : random() * SPREAD_MS)
    : undefined;
  // Without a group info nobody could tell that the room moved on, and nobody is left there to post one.
  if (request !== undefined) return (movesRoom(request) ? groupInfo : undefined) ?? need('request');
  if (state.leaving.length > 0) return need('remove leaving', random() * SPREAD_MS);
  return groupInfo;
};

const movesRoom = ({ type }: GroupRequest): boolean => type === 'rotate' || type === 'remove';

const epochOf = <State, Info extends GroupInfo>(state: GroupState<State, Info>): number | undefined => {
  if (state.phase === 'removed') return undefined;
  return state.phase === 'newcomer' ? state.groupInfo?.epoch : (state.ahead?.epoch ?? state.epoch.view.epoch);
};

/** Returns this device as a member, or `undefined` if it is not in the group. */
export const ownMember = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
): Member | undefined => {
  const view = state.phase === 'member' ? state.epoch.view : undefined;
  return view?.members.find(({ leaf }) => leaf === view.leaf);
};
