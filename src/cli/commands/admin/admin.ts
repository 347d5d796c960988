import { userInfo } from 'node:os';
import { defer, map, throwError, catchError } from 'rxjs';
import {
  ADMIN_ACTIONS,
  type AdminAction,
  type AdminRequest,
  MAX_DRAIN_MS,
  MAX_FOR_MS,
} from '../../../admin/protocol.js';
import { AdminError, requestAdmin } from '../../../admin/requestAdmin.js';
import { safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Run } from '../../args/command.js';
import { didYouMean } from '../../args/help.js';
import { type Args, durationFlag } from '../../args/flags.js';
import { CliError, Exit, usageError } from '../../process/exit.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { formatResult } from './formatResult.js';

/** `rxchat admin`: asks a running relay through the socket in its directory, and prints its answer. */
export const admin: Run = (args) =>
  defer(() => {
    const request = requestFromArgs(args);
    return requestAdmin(historyDirFromFlags(args.flags), request).pipe(
      map((reply) => {
        if (!reply.ok) throw new CliError(Exit.refused, reply.error);
        const { result } = reply;
        writeOut(
          args.flags['json'] === true
            ? safeJson({ v: 1, type: request.action, ...result })
            : formatResult(request.action, result),
        );
        return Exit.ok;
      }),
      catchError((error: unknown) =>
        throwError(() =>
          error instanceof AdminError ? new CliError(Exit.network, error.message, error.hint) : error,
        ),
      ),
    );
  });

/** What the target of an action is, if it needs one. */
const TARGETS: Readonly<Partial<Record<AdminAction, string>>> = {
  kick: 'an address, a network or a nick',
  ban: 'an address, a network or the public name of a room',
  unban: 'the target of a ban, as bans lists it',
  'delete-room': 'the public name of a room, as rooms lists it',
};

/** Parses the action, its target and its flags. Throws a `usageError`. */
const requestFromArgs = ({ input: [name, target], flags }: Args): AdminRequest => {
  const actions = ADMIN_ACTIONS.join(', ');
  if (name === undefined) throw usageError('no action given', `give one of ${actions}`);
  const action = ADMIN_ACTIONS.find((each) => each === name);
  if (action === undefined)
    throw usageError('unknown action', didYouMean(name, ADMIN_ACTIONS) ?? `give one of ${actions}`);
  const needed = TARGETS[action];
  if (needed !== undefined && target === undefined) throw usageError(`${action} needs ${needed}`);
  if (needed === undefined && action !== 'log-level' && target !== undefined)
    throw usageError(`${action} takes no target`);
  const isTimed = action === 'ban' || action === 'drain';
  if (!isTimed && flags['for'] !== undefined) throw usageError(`--for has no effect with ${action}`);
  const [least, most] = action === 'ban' ? [1000, MAX_FOR_MS] : [0, MAX_DRAIN_MS];
  const forMs = durationFlag(flags, 'for', least, most);
  return { action, target, ...(forMs !== undefined && { forMs }), user: userName() };
};

/** Returns who runs the command, for the audit log: with sudo, the user who called it. */
const userName = (): string => {
  const { SUDO_USER: caller } = process.env;
  if (caller !== undefined && caller !== '') return caller;
  try {
    return userInfo().username;
  } catch {
    // The user has no name on this machine.
    return String(process.getuid?.() ?? 'unknown');
  }
};
