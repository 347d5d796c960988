import { defer } from 'rxjs';
import { safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Run } from '../../args/command.js';
import { CliError, Exit, printNote, usageError } from '../../process/exit.js';
import { runAsMember } from './memberCommand.js';

/** `rxchat leave`: stops being a member of a group room on this machine. */
export const leave: Run = (args) =>
  defer(() => {
    const { flags } = args;
    if (flags['yes'] !== true)
      throw usageError(
        'after leaving, this machine can read nothing more in the room',
        'to leave, add --yes',
      );
    return runAsMember(args, {
      choose: ({ roster }) => {
        // The commit of another member is what ends the membership.
        if (roster.persons().length === 1 && roster.persons()[0]?.devices.length === 1)
          throw new CliError(
            Exit.refused,
            'this machine is the only member, so nobody can remove it',
            'nobody else can read the room; let another member join first, or stop using it',
          );
        return { type: 'leave' };
      },
      print: ({ room }) => {
        if (flags['json'] === true) writeOut(safeJson({ v: 1, type: 'left-group', room }));
        printNote("you left; the client of another member removes this machine's keys from the group");
      },
    });
  });
