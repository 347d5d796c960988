import { defer, EMPTY, from, map, type Observable, of, switchMap, tap } from 'rxjs';
import {
  createInvite,
  createLockedInvite,
  type Invite,
  InviteError,
  isLocked,
  type LockedInvite,
} from '../../invite/invite.js';
import { formatInvite } from '../../invite/inviteText.js';
import { safe, sanitize } from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import { isGiven, type Run } from '../args/command.js';
import { printNote, usageError } from '../process/exit.js';
import { flagName, type Flags, integerFlag, stringFlag } from '../args/flags.js';
import { saveInviteFile } from '../shared/secretFiles.js';
import { generateWords, passphraseFromFlags, passphraseWarning } from '../shared/passphrase.js';
import { relayFromFlags } from '../shared/connectFromFlags.js';

/** Words of a generated passphrase, used if the prompt is left empty: 66 bits. */
const DEFAULT_WORD_COUNT = 6;

/**
 * `rxchat invite`: prints an invite, or saves it to the file of `--out`.
 * Notes about the invite go to stderr.
 */
export const invite: Run = ({ flags }) =>
  defer(() => {
    const relay = relayFromFlags(flags);
    const invite$ = inviteFromFlags(relay, flags);
    return invite$.pipe(
      tap((made) => {
        const file = stringFlag(flags, 'out');
        if (file === undefined) writeOut(sanitize(formatInvite(made)));
        else {
          saveInviteFile(file, formatInvite(made));
          printNote(
            `the invite was saved in ${file}${isLocked(made) ? '' : '; it admits anyone who has it'}`,
          );
        }
      }),
      switchMap(() => EMPTY),
    );
  });

/** Flags that only `--group` needs, since it connects to the relay. */
const GROUP_ONLY_FLAGS = ['anyoneRemoves', 'accessTokenFile', 'wait', 'tls', 'plain', 'acceptKey'];

const inviteFromFlags = (relay: Omit<Invite, 'secret'>, flags: Flags): Observable<Invite | LockedInvite> => {
  const isLockedRoom = wantsPassphrase(flags);
  if (flags['group'] === true) {
    if (isLockedRoom)
      throw usageError('a group room has no passphrase', 'use only one of --group and --passphrase');
    // Key rooms need no connection, so they start without this code.
    return from(import('./group/createGroup.js')).pipe(
      switchMap(({ createGroup }) => createGroup(relay, flags)),
    );
  }
  for (const key of GROUP_ONLY_FLAGS)
    if (isGiven(flags, key)) throw usageError(`${flagName(key)} needs --group`, 'add --group');
  return isLockedRoom ? lockedInviteFromFlags(relay, flags) : of(createInvite(relay));
};

const wantsPassphrase = (flags: Flags): boolean => {
  const isWanted =
    flags['passphrase'] === true || ['words', 'passphraseFile'].some((key) => flags[key] !== undefined);
  if (!isWanted && flags['room'] !== undefined)
    throw usageError('--room needs --passphrase', 'add --passphrase');
  if (flags['words'] !== undefined && flags['passphraseFile'] !== undefined)
    throw usageError('use only one of --words and --passphrase-file');
  return isWanted;
};

/**
 * Creates an invite that needs a passphrase.
 * The passphrase is not part of the invite. The command asks for it to check its strength, or generates it.
 */
const lockedInviteFromFlags = (relay: Omit<Invite, 'secret'>, flags: Flags): Observable<LockedInvite> => {
  const invite = createLocked(relay, stringFlag(flags, 'room'));
  const wordCount = integerFlag(flags, 'words', 4, 24);
  const passphrase$ =
    wordCount === undefined
      ? passphraseFromFlags(flags, safe`passphrase of the room (empty: generate one): `)
      : of('');
  return passphrase$.pipe(
    switchMap((passphrase) =>
      passphrase.trim() === ''
        ? from(generatedPassphraseText(wordCount ?? DEFAULT_WORD_COUNT))
        : of(passphraseWarning(passphrase)),
    ),
    map((noteText) => {
      if (noteText !== undefined) printNote(noteText);
      return invite;
    }),
  );
};

const generatedPassphraseText = async (wordCount: number): Promise<string> =>
  `the passphrase of this room: ${await generateWords(wordCount)}`;

const createLocked = (relay: Omit<Invite, 'secret'>, label: string | undefined): LockedInvite => {
  try {
    return createLockedInvite({ ...relay, ...(label !== undefined && { label }) });
  } catch (error) {
    throw error instanceof InviteError ? usageError(`--room: ${error.message}`) : error;
  }
};
