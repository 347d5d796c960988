import { userInfo } from 'node:os';
import { catchError, defer, map, type Observable, of, switchMap, throwError } from 'rxjs';
import type { Cipher } from '../../../streams/client/index.js';
import { validateNick } from '../../../streams/wire/index.js';
import { nodeCipher, npmCipher } from '../../crypto/nodeCipher.js';
import { isTransientNick, createTransientNick } from '../../identity/transientNick.js';
import { type Invite, InviteError, isLocked } from '../../invite/invite.js';
import { unlockInvite } from '../../node/nodePlatform.js';
import { parseAnyInvite } from '../../invite/inviteText.js';
import type { JoinRoomOptions } from '../../platform/createJoinRoom.js';
import { safe, sanitize } from '../../text/sanitize.js';
import { accessTokenFromFlags, loadInviteFile, warnIfReadable } from './secretFiles.js';
import { FERNET_ENGINES } from '../args/choices.js';
import { usageError } from '../process/exit.js';
import { type Args, choiceFlag, type Flags, durationFlag, stringFlag } from '../args/flags.js';
import { passphraseFromFlags } from './passphrase.js';

/**
 * Emits the invite of a command line, unlocked, or `undefined` if none is given. Its sources, in order, are
 * the argument, `--invite-file` and `RXCHAT_INVITE`; an empty variable counts as none. A locked invite requires
 * its passphrase.
 */
export const inviteFromArgs = (args: Args): Observable<Invite | undefined> =>
  defer(() => {
    const source = inviteText(args);
    if (source === undefined || source === '') return of(undefined);
    const invite = withUsageErrors(() => parseAnyInvite(source));
    if (!isLocked(invite)) {
      const file = stringFlag(args.flags, 'inviteFile');
      if (file !== undefined && args.flags['quiet'] !== true) warnIfReadable(file);
      return of(invite);
    }
    return passphraseFromFlags(args.flags, safe`passphrase of the room ${sanitize(invite.label)}: `).pipe(
      switchMap((passphrase) => unlockInvite(invite, passphrase)),
      catchError((error: unknown) => throwError(() => toUsageError(error))),
    );
  });

/** Emits the invite of a command line. Errors with a `usageError` if none is given. */
export const requireInvite = (args: Args): Observable<Invite> =>
  inviteFromArgs(args).pipe(
    map((invite) => {
      if (invite === undefined)
        throw usageError(
          'no invite given',
          'give one as an argument, with --invite-file or in RXCHAT_INVITE',
        );
      return invite;
    }),
  );

const inviteText = ({ input, flags }: Args): string | undefined => {
  const [argument] = input;
  const file = stringFlag(flags, 'inviteFile');
  if (argument !== undefined && file !== undefined)
    throw usageError('the invite is given twice: as an argument and as --invite-file');
  return argument ?? (file === undefined ? process.env['RXCHAT_INVITE'] : loadInviteFile(file));
};

const toUsageError = (error: unknown): unknown =>
  error instanceof InviteError ? usageError(error.message) : error;

const withUsageErrors = <T>(parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    throw toUsageError(error);
  }
};

/**
 * Returns the nick of `--nick`, or the login name. With `unique`, the login name gets a suffix for this run,
 * since many such commands may run at once.
 */
export const nickFromFlags = (flags: Flags, { unique }: { unique: boolean }): string => {
  const given = flags['nick'];
  // Reports invalid nicks without a connection. The relay makes the same check, and rejects an empty nick.
  if (typeof given === 'string') return validateNick(given);
  const name = loginName();
  return unique ? createTransientNick(name) : name;
};

/** Returns the room options that all clients share. */
export const roomOptionsFromFlags = async (flags: Flags, nick: string): Promise<JoinRoomOptions> => ({
  nick,
  // A transient nick is used by this run only, so the relay need not know its key.
  sharesNick: !isTransientNick(nick),
  heartbeatMs: durationFlag(flags, 'heartbeat', 100, 3_600_000),
  accessToken: accessTokenFromFlags(flags),
  cipher: await cipherFromFlags(flags),
});

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 86_400_000;

/** Returns `--timeout`: how long, in ms, sent lines may wait without any receipt. 0 means forever. */
export const timeoutMsFromFlags = (flags: Flags): number =>
  durationFlag(flags, 'timeout', 0, MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS;

/** Returns the cipher that `--fernet-engine` names. */
export const cipherFromFlags = async (flags: Flags): Promise<Cipher> =>
  choiceFlag(flags, 'fernetEngine', FERNET_ENGINES) === 'node' ? nodeCipher() : npmCipher();

const loginName = (): string => {
  try {
    return validateNick(userInfo().username).slice(0, 24);
  } catch {
    return 'guest';
  }
};
