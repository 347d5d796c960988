import { defer } from 'rxjs';
import type { Run } from '../../args/command.js';
import { programName } from '../../process/environment.js';
import { printNote, usageError } from '../../process/exit.js';
import { devicesText, findPerson, type GroupPerson, personText } from '../../../text/groupRoster.js';
import { type GroupView, printInvite, runAsMember } from './memberCommand.js';

/** `rxchat remove NICK`: removes a person from a group room, and prints its next invite. */
export const remove: Run = ({ input, flags }) =>
  defer(() => {
    const [nick] = input;
    if (nick === undefined) throw usageError('remove needs a nick', `see ${programName()} members`);
    if (/^(rxchat|https?):/.test(nick))
      throw usageError('an invite is not a nick', 'give the invite with --invite-file or in RXCHAT_INVITE');
    return runAsMember(
      { input: [], flags },
      {
        choose: ({ roster }) => {
          const person = choosePerson({ roster }, nick);
          const text = describePerson(person);
          if (flags['yes'] !== true) throw usageError(`this would remove ${text}`, 'to remove, add --yes');
          printNote(`removing ${text}`);
          return { type: 'remove', key: person.key };
        },
        print: (view) => {
          printInvite(view, flags['json'] === true);
        },
      },
    );
  });

const choosePerson = ({ roster }: Pick<GroupView, 'roster'>, nick: string): GroupPerson => {
  const person = findPerson(roster, nick);
  if (typeof person === 'string') throw usageError(person, `see ${programName()} members`);
  if (person.isOwn) throw usageError('that is you', `to leave: ${programName()} leave`);
  return person;
};

const describePerson = (person: GroupPerson): string => {
  const { nick, key, isVerified } = person;
  return `${personText(nick, key, isVerified)} with ${devicesText(person)}; the key is ${isVerified ? '' : 'not '}verified`;
};
