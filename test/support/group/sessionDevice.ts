import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import type { GroupSession } from '../../../streams/client/group/groupSession.js';
import type { GroupState, MemberState } from '../../../streams/client/group/groupState.js';
import type { GroupInfo } from '../../../streams/client/group/index.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

/** A device with the real engine, which reads the log at its own pace. */
export interface SessionDevice<State, Info extends GroupInfo> {
  readonly name: string;
  readonly identity: Identity;
  readonly context: GroupContext<State, Info>;
  readonly session: GroupSession<State, Info>;
  readonly events: ReturnType<GroupSession<State, Info>['open']>[number][];
  /** How many entries of the log it has read. */
  readCount: number;
}

export interface SessionDeviceOptions<State, Info extends GroupInfo> {
  readonly label?: string;
  readonly slot?: number;
  /** The device starts from this state. */
  readonly state?: GroupState<State, Info>;
}

export const memberOf = <State, Info extends GroupInfo>({
  session: { state },
  name,
}: SessionDevice<State, Info>): MemberState<State, Info> => {
  if (state.phase !== 'member') throw new Error(`${name} is a ${state.phase}`);
  return state;
};
export const epochOf = <State, Info extends GroupInfo>(device: SessionDevice<State, Info>): number =>
  memberOf(device).epoch.view.epoch;
export const leafOf = <State, Info extends GroupInfo>(device: SessionDevice<State, Info>): number =>
  memberOf(device).epoch.view.leaf;
export const engineStateOf = <State, Info extends GroupInfo>(device: SessionDevice<State, Info>): State =>
  memberOf(device).epoch.engineState;
export const authenticatorOf = <State, Info extends GroupInfo>(device: SessionDevice<State, Info>): string =>
  toBase64url(memberOf(device).epoch.view.epochAuthenticator);
export const agree = <State, Info extends GroupInfo>(
  ...devices: readonly SessionDevice<State, Info>[]
): boolean => new Set(devices.map(authenticatorOf)).size === 1;
/** The identities of the members, as a device knows them. */
export const rosterOf = <State, Info extends GroupInfo>(
  device: SessionDevice<State, Info>,
): readonly string[] => memberOf(device).epoch.view.members.map(({ identity }) => identity);

/** The first lines that a device opened. */
export const textsOf = <State, Info extends GroupInfo>({
  events,
}: SessionDevice<State, Info>): readonly string[] =>
  events.flatMap((event) => (event.type === 'opened' ? [event.envelope.lines[0] ?? ''] : []));
/** The last event of a device: its type, or the reason of a rejection. */
export const lastOf = <State, Info extends GroupInfo>({
  events,
}: SessionDevice<State, Info>): string | undefined => {
  const event = events.at(-1);
  return event?.type === 'rejected' || event?.type === 'undecryptable' ? event.reason : event?.type;
};
