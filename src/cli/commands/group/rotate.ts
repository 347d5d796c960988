import { defer } from 'rxjs';
import { formatInvite } from '../../../invite/inviteText.js';
import { safeJson, sanitize } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Run } from '../../args/command.js';
import { type GroupView, noteNextInvite, runAsMember } from './memberCommand.js';

/** `rxchat rotate`: gives a group room another invite, and prints it. */
export const rotate: Run = (args) =>
  defer(() =>
    runAsMember(args, {
      choose: () => ({ type: 'rotate' }),
      print: (view) => printInvite(view, args.flags['json'] === true),
    }),
  );

/** Prints the invite that admits others from now on. */
export const printInvite = ({ room, invite }: GroupView, isJson: boolean): void => {
  const text = formatInvite(invite());
  noteNextInvite();
  writeOut(isJson ? safeJson({ v: 1, type: 'invite', room, invite: text }) : sanitize(text));
};
