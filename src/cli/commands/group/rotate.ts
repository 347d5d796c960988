import { defer } from 'rxjs';
import type { Run } from '../../args/command.js';
import { printInvite, runAsMember } from './memberCommand.js';

/** `rxchat rotate`: gives a group room another invite, and prints it. */
export const rotate: Run = (args) =>
  defer(() =>
    runAsMember(args, {
      choose: () => ({ type: 'rotate' }),
      print: (view) => printInvite(view, args.flags['json'] === true),
    }),
  );
