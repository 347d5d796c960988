import { defer, EMPTY, from, map, type Observable, of, switchMap, tap } from 'rxjs';
import { createInvite, type Invite, InviteError } from '../../invite/invite.js';
import { createLockedInvite, isLocked, type LockedInvite } from '../../invite/lockedInvite.js';
import { formatInvite } from '../../invite/text.js';
import { shown, visible } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { readAddress } from '../address.js';
import type { Run } from '../commandTable.js';
import { note, usageError } from '../exit.js';
import { type Flags, integer, text } from '../flags.js';
import { writeInviteFile } from '../inviteFile.js';
import { makeWords, readPassphrase, weakness } from '../passphrase.js';
import { readPin } from '../relayLink.js';

/** So many words where a passphrase is asked for and the answer is empty: 66 bits. */
const WORDS = 6;

/** `rxchat invite`: one line on stdout, or in the file of `--out`; what is said of it goes to stderr. */
export const invite: Run = ({ flags }) =>
  defer(() => {
    const relay = { ...readAddress(flags), pin: readPin(flags) };
    const invite$: Observable<Invite | LockedInvite> = wantsPassphrase(flags)
      ? lockedInvite(relay, flags)
      : of(createInvite(relay));
    return invite$.pipe(
      tap((made) => {
        const file = text(flags, 'out');
        if (file === undefined) writeOut(visible(formatInvite(made)));
        else {
          writeInviteFile(file, formatInvite(made));
          note(`the invite is in ${file}${isLocked(made) ? '' : '; whoever has it is in'}`);
        }
      }),
      switchMap(() => EMPTY),
    );
  });

const wantsPassphrase = (flags: Flags): boolean => {
  const wanted =
    flags['passphrase'] === true || ['words', 'passphraseFile'].some((key) => flags[key] !== undefined);
  if (!wanted && flags['room'] !== undefined)
    throw usageError('--room names a room of a passphrase', 'add --passphrase');
  if (flags['words'] !== undefined && flags['passphraseFile'] !== undefined)
    throw usageError('--words makes a passphrase, and --passphrase-file gives one: choose');
  return wanted;
};

/** The passphrase is no part of the invite: it is asked for to say whether it will do, or made. */
const lockedInvite = (relay: Omit<Invite, 'secret'>, flags: Flags): Observable<LockedInvite> => {
  const made = create(relay, text(flags, 'room'));
  const words = integer(flags, 'words', 4, 24);
  const passphrase$ =
    words === undefined
      ? readPassphrase(flags, shown`passphrase of the room (empty: words are made): `)
      : of('');
  return passphrase$.pipe(
    switchMap((given) => (given.trim() === '' ? from(madeOf(words ?? WORDS)) : of(weakness(given)))),
    map((said) => {
      if (said !== undefined) note(said);
      return made;
    }),
  );
};

const madeOf = async (words: number): Promise<string> =>
  `the passphrase of this room: ${await makeWords(words)}`;

const create = (relay: Omit<Invite, 'secret'>, label: string | undefined): LockedInvite => {
  try {
    return createLockedInvite({ ...relay, ...(label !== undefined && { label }) });
  } catch (error) {
    throw error instanceof InviteError ? usageError(`--room: ${error.message}`) : error;
  }
};
