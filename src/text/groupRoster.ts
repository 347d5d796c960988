import { lruMap } from '../../streams/rx/lruMap.js';
import type { ClientEvent, GroupMember } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { pluralize } from './format.js';
import { deviceText, forgottenText, groupEventText } from './groupEventText.js';
import { safe, type SafeText, sanitizeNick } from './sanitize.js';

/** Maximum number of keys whose nick is remembered. */
const MAX_NICKS = 4096;

/** The fewest characters by which a key can be named. */
const MIN_KEY_START = 6;

/** A person in a group, with the devices that are members. */
export interface GroupPerson {
  readonly key: string;
  /** The nick of the person's latest message, or `undefined` if none is known. */
  readonly nick: string | undefined;
  readonly isOwn: boolean;
  readonly isVerified: boolean;
  readonly devices: readonly GroupMember[];
}

/** Who is in a group, by its events. The relay has no part in it. */
export interface GroupRoster {
  /** Updates the roster with an event, and returns what to tell the user. */
  readonly update: (event: ClientEvent) => readonly SafeText[];
  /** The persons, in the order in which they joined. */
  readonly persons: () => readonly GroupPerson[];
  /** The 30 digits that are equal for all members, in groups of five, or `undefined` before the first epoch. */
  readonly code: () => string | undefined;
  readonly epoch: () => number | undefined;
  /** Returns the nick of a key's latest message, or `undefined` if none is known. */
  readonly nickOf: (key: string) => string | undefined;
  /** Returns the name of a person: "you", a nick with its trust mark, or the start of the key. */
  readonly nameOf: (member: Pick<GroupMember, 'key'>) => SafeText;
}

/** Options of `groupRoster`. */
export interface GroupRosterOptions {
  readonly ownKey: string;
  readonly isVerified: (key: string) => boolean;
  /** The keys of nicks that earlier runs have saved. */
  readonly knownKeys: ReadonlyMap<string, string>;
  /** Follows "the room has another invite". */
  readonly inviteHint?: SafeText;
}

/** Returns the first characters of a key, which stand for it in a text. */
const keyStart = (key: string): string => key.slice(0, 8);

/** Formats a person's name with its trust mark: `✓alice`, `?bob`, or the start of the key. */
export const personText = (nick: string | undefined, key: string, isVerified: boolean): SafeText =>
  nick === undefined
    ? safe`someone with the key ${keyStart(key)}\u2026`
    : safe`${isVerified ? '\u2713' : '?'}${sanitizeNick(nick)}`;

/** Describes a person in a list of members: `✓alice (you): laptop, phone`. */
export const personLine = ({ nick, key, isVerified, isOwn, devices }: GroupPerson): SafeText => {
  const name = isOwn && nick === undefined ? safe`you` : personText(nick, key, isVerified);
  return safe`${name}${isOwn && nick !== undefined ? ' (you)' : ''}: ${deviceNames(devices)}`;
};

/** Counts the devices of a person and names them: `2 devices (laptop, phone)`. */
export const devicesText = ({ devices }: Pick<GroupPerson, 'devices'>): SafeText =>
  safe`${pluralize(devices.length, 'device')} (${deviceNames(devices)})`;

const deviceNames = (devices: readonly GroupMember[]): string => devices.map(deviceText).join(', ');

/**
 * Finds a person by a nick, or by the start of a key.
 *
 * Returns a text with the reason if nobody matches, or if several persons use the nick.
 */
export const findPerson = (roster: Pick<GroupRoster, 'persons'>, word: string): GroupPerson | SafeText => {
  const persons = roster.persons();
  const found = persons.filter(({ nick }) => nick !== undefined && foldNick(nick) === foldNick(word));
  const named =
    found.length === 0 && word.length >= MIN_KEY_START
      ? persons.filter(({ key }) => key.startsWith(word))
      : found;
  const [person, ...others] = named;
  if (person === undefined)
    return safe`no member is known by “${sanitizeNick(word)}”; give the nick, or the start of the key`;
  return others.length === 0
    ? person
    : safe`${named.length} members use the nick “${sanitizeNick(word)}”; give the start of the key instead: ${named.map(({ key }) => keyStart(key)).join(', ')}`;
};

/** Creates the roster of a group. */
export const groupRoster = ({
  ownKey,
  isVerified,
  knownKeys,
  inviteHint = safe``,
}: GroupRosterOptions): GroupRoster => {
  const nicks = lruMap<string, string>(
    MAX_NICKS,
    [...knownKeys].map(([nick, key]) => [key, nick] as const),
  );
  const leaving = new Set<string>();
  let members: readonly GroupMember[] = [];
  let code: string | undefined;
  let epoch: number | undefined;
  /** The forgotten entries that are not reported yet. They are reported once, when others follow. */
  let forgotten: { readonly from: number; readonly to: number } | undefined;
  let next = 0;

  const nameOf = ({ key }: Pick<GroupMember, 'key'>): SafeText =>
    key === ownKey ? safe`you` : personText(nicks.get(key), key, isVerified(key));

  const isLeaving = ({ key, device }: GroupMember) => key === ownKey && leaving.has(device);

  const takeForgotten = (): readonly SafeText[] => {
    if (forgotten === undefined) return [];
    const { from, to } = forgotten;
    forgotten = undefined;
    return [forgottenText(from, to)];
  };

  const describe = (event: ClientEvent): readonly SafeText[] => {
    // The user asked for it.
    if (event.type === 'removed' && members.some(isLeaving)) return [];
    const text = groupEventText(event, { nameOf, membersBefore: members, leaving, inviteHint });
    if (event.type === 'leaving') leaving.add(event.member.device);
    if (event.type === 'epoch' || event.type === 'resumed') ({ members, code, epoch } = event);
    if (event.type === 'epoch') {
      for (const { device } of event.removed) leaving.delete(device);
    }
    return text === undefined ? [] : [text];
  };

  return {
    update: (event) => {
      if (event.type === 'message') nicks.set(event.key, event.nick);
      if (event.type === 'welcome') next = event.next;
      if (event.type === 'forgotten') {
        const { position } = event;
        const before = forgotten?.to === position - 1 ? [] : takeForgotten();
        forgotten = { from: forgotten?.from ?? position, to: position };
        return position >= next - 1 ? [...before, ...takeForgotten()] : before;
      }
      const texts = describe(event);
      return 'position' in event || texts.length > 0 ? [...takeForgotten(), ...texts] : texts;
    },
    persons: () =>
      [...new Set(members.map(({ key }) => key))].map((key) => ({
        key,
        nick: nicks.get(key),
        isOwn: key === ownKey,
        isVerified: isVerified(key),
        devices: members.filter((each) => each.key === key),
      })),
    code: () => (code === undefined ? undefined : formatCode(code)),
    epoch: () => epoch,
    nickOf: (key) => nicks.get(key),
    nameOf,
  };
};

/** Formats digits in groups of five. */
export const formatCode = (code: string): string =>
  code.replaceAll(/\D/g, '').replaceAll(/\d{5}(?=\d)/g, '$& ');
