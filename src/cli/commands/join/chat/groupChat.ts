import { foldNick } from '../../../../../streams/wire/index.js';
import { pluralize } from '../../../../text/format.js';
import { safe, sanitizeNick } from '../../../../text/sanitize.js';
import {
  devicesText,
  findPerson,
  type GroupPerson,
  type GroupRoster,
  personLine,
  personText,
} from '../../../../text/groupRoster.js';
import { type GroupChat, showAction } from './chatAction.js';
import { info, type Line } from './line.js';

/** Returns the commands of a group room that read its roster. */
export const groupChat = (roster: GroupRoster): GroupChat => {
  /** The key of each nick that the user was asked about. */
  const promptedKeys = new Map<string, string>();

  const askLines = (nick: string, person: GroupPerson): readonly Line[] => {
    promptedKeys.set(foldNick(nick), person.key);
    const trustText = person.isVerified
      ? 'you have verified this key'
      : `you have not verified this key; /verify ${sanitizeNick(nick)} compares it first`;
    return [
      info(
        safe`${personText(person.nick, person.key, person.isVerified)} has ${devicesText(person)}; ${trustText}`,
      ),
      info(safe`removed persons can read nothing more, and the room gets another invite`),
      info(safe`to remove: /remove ${sanitizeNick(nick)} yes`),
    ];
  };

  return {
    members: () => {
      const persons = roster.persons();
      return [
        info(safe`${pluralize(persons.length, 'person', 'persons')} can read the room:`),
        ...persons.map((person) => info(personLine(person))),
      ];
    },
    code: () => {
      const code = roster.code();
      if (code === undefined) return [info(safe`this device is not a member yet`)];
      return [
        info(safe`room code, equal for all members at this moment; compare it over another channel:`),
        info(safe`${code}`),
        info(safe`/verify NICK compares the safety number of a person`),
      ];
    },
    remove: (nick, answer) => {
      const person = findPerson(roster, nick);
      if (typeof person === 'string') return showAction(info(person));
      if (person.isOwn) return showAction(info(safe`that is you; /leave leaves the group`));
      if (answer !== 'yes') return showAction(...askLines(nick, person));
      if (promptedKeys.get(foldNick(nick)) !== person.key)
        return showAction(info(safe`nobody was removed: read this first`), ...askLines(nick, person));
      return {
        type: 'request',
        request: { type: 'remove', key: person.key },
        lines: [info(safe`removing ${personText(person.nick, person.key, person.isVerified)}`)],
      };
    },
  };
};
