import type { ClientEvent, GroupMember, Message } from '../../../../streams/index.js';
import {
  concatText,
  safe,
  type SafeText,
  safeJson,
  sanitizeNick,
  sanitizeMessage,
} from '../../../text/sanitize.js';
import { actText, eventText } from '../../../text/eventText.js';
import type { FilteredEvent } from './messageFilter.js';

/** The version of the JSON lines; a version only ever gains fields. */
const JSON_VERSION = 1;

/** The output of `listen` for an event: text for stdout, a note for stderr. */
export interface FormattedEvent {
  readonly out?: SafeText;
  readonly note?: string;
}

/** Returns whether the nick is known with a different key. */
type IsChanged = (who: Pick<Message, 'nick' | 'key'>) => boolean;

const LOG_CHANGED_IN_GROUP =
  'the log is another one: the relay lost its history, or the room moved; entries of a former log may be missing';

/** Formats events as text for people; control characters from others become visible. */
export const textFormat =
  (nick: string, isChanged: IsChanged = () => false, isGroup = false) =>
  (event: ClientEvent): FormattedEvent => {
    switch (event.type) {
      case 'message':
        return { out: plainMessage(event, isChanged(event)) };
      case 'joined':
      case 'left':
        return presenceNote(event, nick, isGroup);
      case 'gap':
        return { note: `gap: entries ${event.from} to ${event.to} have expired` };
      case 'first-seen':
        return firstSeenNote(event);
      case 'log-changed':
        return { note: isGroup && event.shared === undefined ? LOG_CHANGED_IN_GROUP : eventText(event) };
      case 'alarm':
      case 'key-changed':
      case 'undecryptable':
        return { note: eventText(event) };
      default:
        return {};
    }
  };

/** Formats each event as a JSON object in a line, with the exact text. */
export const jsonFormat =
  (
    nick: string,
    room: string,
    isVerified: (key: string) => boolean,
    events = false,
    isChanged: IsChanged = () => false,
    nickOf?: (key: string) => string | undefined,
  ) =>
  (event: ClientEvent): FormattedEvent => {
    const line = (fields: object) => ({
      out: safeJson({ v: JSON_VERSION, type: event.type, room, ...fields }),
    });
    const memberFields = ({ key, device, label }: GroupMember) => ({
      nick: nickOf?.(key) ?? null,
      key,
      verified: isVerified(key),
      device,
      label,
    });
    switch (event.type) {
      case 'message': {
        const { position, index, time, text, act } = event;
        return line({
          position,
          index,
          time: new Date(time).toISOString(),
          from: {
            nick: event.nick,
            key: event.key,
            verified: isVerified(event.key),
            ...(isChanged(event) && { changed: true }),
            ...(event.external === true && { external: true }),
          },
          text,
          ...(act && { act }),
          ...(event.old === true && { old: true }),
          ...(event.timeDifferenceMs !== undefined && { timeDifferenceMs: event.timeDifferenceMs }),
        });
      }
      case 'gap':
        return line({ from: event.from, to: event.to });
      case 'log-changed':
        return line({ log: event.log, shared: event.shared, lost: event.lost });
      case 'undecryptable':
        return line({ position: event.position, reason: event.reason });
      case 'alarm': {
        const { position, reason, nick: name, key } = event;
        return line({ position, reason, from: { nick: name, key } });
      }
      case 'key-changed': {
        const { position, nick: name, key, before } = event;
        return { ...line({ position, from: { nick: name, key }, before }), note: eventText(event) };
      }
      case 'first-seen':
        return firstSeenNote(event);
      case 'joined':
      case 'left':
        return events
          ? line({ position: event.position, nicks: event.nicks, count: event.count })
          : presenceNote(event, nick, nickOf !== undefined);
      case 'welcome': {
        const { log, from, next, members, count } = event;
        return events ? line({ type: 'online', log, from, next, nicks: members, count }) : {};
      }
      case 'offline':
        return events ? line({ reason: event.reason, retryMs: event.retryMs }) : {};
      case 'before-join':
        return line({ from: event.from, to: event.to });
      case 'forgotten':
        return line({ position: event.position });
      case 'rejected':
        return line({ position: event.position, reason: event.reason });
      case 'behind':
        return line({ position: event.position, epoch: event.epoch });
      case 'epoch': {
        const { position, epoch, change, by, removed, own: isOwn, members, code, moved: hasMoved } = event;
        return events
          ? line({
              position,
              epoch,
              change,
              by: memberFields(by),
              removed: removed.map(memberFields),
              own: isOwn,
              members: members.map(memberFields),
              code,
              moved: hasMoved,
            })
          : {};
      }
      case 'removed':
        return line({ position: event.position, by: memberFields(event.by) });
      case 'leaving':
        return events ? line({ position: event.position, member: memberFields(event.member) }) : {};
      case 'void':
      case 'handshake':
        return events ? line({ position: event.position }) : {};
      default:
        return {};
    }
  };

/** Formats an item, with its notes. Notes about the group are not repeated for an event that is printed itself. */
export const formatItem = (
  format: (event: ClientEvent) => FormattedEvent,
  { event, groupNotes = [] }: FilteredEvent,
): { readonly out: SafeText | undefined; readonly notes: readonly string[] } => {
  const { out, note } = format(event);
  const isPrinted = out !== undefined && event.type !== 'message';
  return { out, notes: [...(isPrinted ? [] : groupNotes), ...(note === undefined ? [] : [note])] };
};

/**
 * Formats a message: `alice: hello`, or `* alice waves` for an action.
 * A nick with a changed key begins with `!`, and an old message shows its time.
 */
const plainMessage = ({ nick, text, act, time, old }: Message, isChanged: boolean): SafeText => {
  const timeText = old === true ? ` (old, ${new Date(time).toISOString()})` : '';
  const sender = safe`${isChanged ? '!' : ''}${sanitizeNick(nick)}${timeText}`;
  return act === undefined
    ? concatText(safe`${sender}: `, sanitizeMessage(text))
    : concatText(safe`* ${sender} `, sanitizeMessage(actText(act, text)));
};

const firstSeenNote = ({ nick, key }: Extract<ClientEvent, { type: 'first-seen' }>): FormattedEvent => ({
  note: `first message from ${nick}, with the key ${key}`,
});

/** Formats joins and leaves, such as `alice joined`, except those of your own nick. */
const presenceNote = (
  event: Extract<ClientEvent, { type: 'joined' | 'left' }>,
  nick: string,
  isGroup: boolean,
): FormattedEvent => {
  const nicks = event.nicks.filter((each) => each !== nick);
  return event.nicks.length > 0 && nicks.length === 0
    ? {}
    : { note: eventText({ ...event, nicks, isGroup }) };
};
