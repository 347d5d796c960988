import { userInfo } from 'node:os';
import { catchError, defer, map, type Observable, of, switchMap, throwError } from 'rxjs';
import type { Cipher } from '../../streams/client/index.js';
import { checkNick } from '../../streams/wire/index.js';
import { nodeCipher } from '../crypto/nodeCipher.js';
import { npmCipher } from '../crypto/npmCipher.js';
import { isTransientNick, transientNick } from '../identity/transientNick.js';
import { type Invite, InviteError } from '../invite/invite.js';
import { isLocked } from '../invite/lockedInvite.js';
import { unlockInvite } from '../invite/unlockInvite.js';
import { parseAnyInvite } from '../invite/text.js';
import type { RoomOptions } from '../roomOn.js';
import { shown, visible } from '../terminal/visible.js';
import { readAccessToken } from './accessTokens.js';
import { FERNET_ENGINES } from './choices.js';
import { usageError } from './exit.js';
import { type Args, choice, type Flags, span, text } from './flags.js';
import { readInviteFile, warnOfReaders } from './inviteFile.js';
import { readPassphrase } from './passphrase.js';

/**
 * The invite of a command line: its argument, `--invite-file`, or `RXCHAT_INVITE`, in this order; where it is locked, after
 * its passphrase was given. Emits `undefined` where there is none.
 */
export const readInvite = (args: Args): Observable<Invite | undefined> =>
  defer(() => {
    const given = textOf(args);
    if (given === undefined || given === '') return of(undefined);
    const invite = asUsage(() => parseAnyInvite(given));
    if (!isLocked(invite)) {
      const file = text(args.flags, 'inviteFile');
      if (file !== undefined && args.flags['quiet'] !== true) warnOfReaders(file);
      return of(invite);
    }
    return readPassphrase(args.flags, shown`passphrase of the room ${visible(invite.label)}: `).pipe(
      switchMap((passphrase) => unlockInvite(invite, passphrase)),
      catchError((error: unknown) => throwError(() => usageOf(error))),
    );
  });

/** The same, for commands that cannot do without. */
export const needInvite = (args: Args): Observable<Invite> =>
  readInvite(args).pipe(
    map((invite) => {
      if (invite === undefined)
        throw usageError(
          'there is no invite',
          'give one as an argument, with --invite-file or in RXCHAT_INVITE',
        );
      return invite;
    }),
  );

const textOf = ({ input, flags }: Args): string | undefined => {
  const [argument] = input;
  const file = text(flags, 'inviteFile');
  if (argument !== undefined && file !== undefined)
    throw usageError('the invite is given twice: as an argument and as --invite-file');
  return argument ?? (file === undefined ? process.env['RXCHAT_INVITE'] : readInviteFile(file));
};

const usageOf = (error: unknown): unknown =>
  error instanceof InviteError ? usageError(error.message) : error;

const asUsage = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw usageOf(error);
  }
};

/** The nick of `--nick`, or the login name; `unique`: one of it for this run alone, for those that come in numbers. */
export const readNick = (flags: Flags, { unique }: { unique: boolean }): string => {
  const given = flags['nick'];
  // The same check as the relay's, without the way there; empty is for it to refuse.
  if (typeof given === 'string') return checkNick(given);
  const name = loginName();
  return unique ? transientNick(name) : name;
};

/** The options of a room that all clients share. */
export const readRoomOptions = async (flags: Flags, nick: string): Promise<RoomOptions> => ({
  nick,
  // Such a nick is of this run alone, and the relay need not know whose it is.
  sharesNick: !isTransientNick(nick),
  heartbeat: span(flags, 'heartbeat', 100, 3_600_000),
  accessToken: readAccessToken(flags),
  cipher: await readCipher(flags),
});

/** `--fernet-engine`. */
export const readCipher = async (flags: Flags): Promise<Cipher> =>
  choice(flags, 'fernetEngine', FERNET_ENGINES) === 'node' ? nodeCipher() : npmCipher();

const loginName = (): string => {
  try {
    return checkNick(userInfo().username).slice(0, 24);
  } catch {
    return 'guest';
  }
};
