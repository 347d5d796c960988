import { userInfo } from 'node:os';
import { defer, map, throwError, catchError } from 'rxjs';
import { ADMIN_ACTIONS, type AdminRequest } from '../../../admin/protocol.js';
import { AdminError, requestAdmin } from '../../../admin/requestAdmin.js';
import { safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import { LOG_LEVELS } from '../../args/choices.js';
import type { Run } from '../../args/command.js';
import { didYouMean } from '../../args/help.js';
import type { Args } from '../../args/flags.js';
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

/** Parses the action and its target. Throws a `usageError`. */
const requestFromArgs = ({ input: [name, target] }: Args): AdminRequest => {
  const actions = ADMIN_ACTIONS.join(', ');
  if (name === undefined) throw usageError('no action given', `give one of ${actions}`);
  const action = ADMIN_ACTIONS.find((each) => each === name);
  if (action === undefined)
    throw usageError(`unknown action`, didYouMean(name, ADMIN_ACTIONS) ?? `give one of ${actions}`);
  if (action === 'log-level') {
    if (target !== undefined && !LOG_LEVELS.some((each) => each === target))
      throw usageError(`the log level is one of ${LOG_LEVELS.join(', ')}`);
  } else if (target !== undefined) throw usageError(`${action} takes no argument`);
  return { action, target, user: userName() };
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
