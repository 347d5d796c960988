import { defer } from 'rxjs';
import { pluralize } from '../../../text/format.js';
import { safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Run } from '../../args/command.js';
import { printNote } from '../../process/exit.js';
import { personLine } from '../../../text/groupRoster.js';
import { type GroupView, runAsMember } from './memberCommand.js';

/** `rxchat members`: prints who can read a group room, a person per line. */
export const members: Run = (args) =>
  defer(() =>
    runAsMember(args, {
      choose: () => undefined,
      print: args.flags['json'] === true ? printJson : printText,
    }),
  );

const printText = ({ roster }: GroupView): void => {
  const persons = roster.persons();
  for (const person of persons) writeOut(personLine(person));
  printNote(`${pluralize(persons.length, 'person', 'persons')}; room code: ${roster.code() ?? ''}`);
};

const printJson = ({ roster, room }: GroupView): void => {
  writeOut(
    safeJson({
      v: 1,
      type: 'members',
      room,
      epoch: roster.epoch(),
      code: roster.code()?.replaceAll(' ', ''),
      members: roster.persons().map(({ nick, key, isVerified, isOwn, devices }) => ({
        nick: nick ?? null,
        key,
        verified: isVerified,
        own: isOwn,
        devices: devices.map(({ device, label }) => ({ device, label })),
      })),
    }),
  );
};
