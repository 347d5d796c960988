import type { ClientEvent, GroupMember, GroupRequest } from '../../streams/index.js';
import { pluralize } from './format.js';
import { concatText, safe, type SafeText } from './sanitize.js';

/** Maximum length of a device's name, in UTF-16 code units. Its owner chose it. */
const LABEL_LIMIT = 40;

/** What the texts about a group need to know. */
export interface GroupTextContext {
  /** Returns the name of a person, or "you". */
  readonly nameOf: (member: GroupMember) => SafeText;
  /** The members before the event. */
  readonly membersBefore: readonly GroupMember[];
  /** The devices whose owners asked to leave. */
  readonly leaving: ReadonlySet<string>;
  /** Follows "the room has another invite". */
  readonly inviteHint: SafeText;
}

type EpochStarted = Extract<ClientEvent, { type: 'epoch' }>;
type RequestRefused = Extract<ClientEvent, { type: 'request-refused' }>;

/** Returns how many persons the members are. */
export const countPersons = (members: readonly GroupMember[]): number =>
  new Set(members.map(({ key }) => key)).size;

/** Formats the name of a device, which its owner chose. */
export const deviceText = ({ label, device }: Pick<GroupMember, 'label' | 'device'>): SafeText =>
  label === '' ? safe`device ${device.slice(0, 8)}` : safe`${cutLabel(label)}`;

const cutLabel = (label: string): string =>
  label.length <= LABEL_LIMIT
    ? label
    : `${Array.from(label.slice(0, LABEL_LIMIT)).slice(0, -1).join('')}\u2026`;

/** Describes what happened to the group of a room in one line, or returns `undefined` if it is no news. */
export const groupEventText = (event: ClientEvent, context: GroupTextContext): SafeText | undefined => {
  switch (event.type) {
    case 'epoch':
      return epochText(event, context);
    case 'before-join': {
      const count = event.to - event.from + 1;
      return safe`${pluralize(count, 'earlier entry was', 'earlier entries were')} sealed before you joined`;
    }
    case 'rejected':
      return safe`entry ${event.position} is a change of keys that counts for nobody: ${event.reason}`;
    case 'behind':
      return safe`this device missed a change of keys; it joins again by itself`;
    case 'leaving':
      return concatText(context.nameOf(event.member), safe` asked to leave; a member's client does the rest`);
    case 'removed':
      return concatText(context.nameOf(event.by), safe` removed you from the room`);
    case 'request-refused':
      return safe`${refusedText(event.request)}: ${event.reason}${refusalHint(event)}`;
    case 'no-group-info':
      return safe`this room's log has no keys for you yet; you join once a member is online`;
    default:
      return undefined;
  }
};

/** Describes entries that this device read before, and whose keys it forgot. */
export const forgottenText = (from: number, to: number): SafeText => {
  const count = to - from + 1;
  return safe`this device forgot the keys of ${pluralize(count, 'earlier entry', 'earlier entries')} (${from === to ? from : `${from} to ${to}`})`;
};

const REFUSED_TEXTS: Readonly<Record<GroupRequest['type'], string>> = {
  remove: 'nobody was removed',
  rotate: 'the room keeps its invite',
  renew: 'the keys were not renewed',
  leave: 'you are still a member',
};

const refusedText = ({ type }: GroupRequest): string => REFUSED_TEXTS[type];

/** Codes of a relay that may take the room later. */
const TEMPORARY_CODES: ReadonlySet<string> = new Set([
  'busy',
  'internal',
  'storage',
  'timeout',
  'unreachable',
]);

/** Returns what to do if the relay does not take the room of the next invite. */
const refusalHint = ({ code }: Pick<RequestRefused, 'code'>): string => {
  if (code === undefined) return '';
  return TEMPORARY_CODES.has(code)
    ? '; try again later'
    : '; ask its operator, or create a group at another relay';
};

const epochText = (event: EpochStarted, context: GroupTextContext): SafeText | undefined => {
  const { change, by, moved: hasMoved } = event;
  const name = context.nameOf(by);
  const invite = hasMoved ? concatText(safe`; the room has another invite`, context.inviteHint) : safe``;
  switch (change) {
    case 'created':
      return concatText(name, safe` created the group`);
    case 'joined':
      return concatText(name, joinText(event, context));
    case 'removed':
      return concatText(removalText(event, context), invite);
    case 'moved':
      return concatText(name, safe` gave the room another invite`, context.inviteHint);
    case 'renewed':
      return undefined;
  }
};

const joinText = ({ by, members }: EpochStarted, { membersBefore }: GroupTextContext): SafeText => {
  if (membersBefore.some(({ device }) => device === by.device))
    return safe` joined again with the same device`;
  const isKnown = membersBefore.some(({ key }) => key === by.key);
  const how = isKnown ? `another device (${deviceText(by)})` : 'the invite';
  return safe` joined with ${how}; ${pluralize(countPersons(members), 'member')}`;
};

const joinNames = (names: readonly SafeText[]): SafeText =>
  concatText(...names.flatMap((name, index) => (index === 0 ? [name] : [safe`, `, name])));

const removalText = (
  { by, removed, members }: EpochStarted,
  { nameOf, leaving }: GroupTextContext,
): SafeText => {
  const names = joinNames([...new Set(removed.map(nameOf))]);
  if (removed.length > 0 && removed.every(({ device }) => leaving.has(device)))
    return concatText(names, safe` left; ${pluralize(countPersons(members), 'member')}`);
  const isDeviceOnly = removed.every(({ key }) => members.some((each) => each.key === key));
  const devices = removed.map(deviceText).join(', ');
  return isDeviceOnly && removed.length > 0
    ? safe`${nameOf(by)} removed ${removed.length === 1 ? 'a device' : 'devices'} of ${names} (${devices})`
    : safe`${nameOf(by)} removed ${names}; ${pluralize(countPersons(members), 'member')}`;
};
