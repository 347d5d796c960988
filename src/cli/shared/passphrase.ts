import { randomInt } from 'node:crypto';
import { catchError, defer, type Observable, of, throwError } from 'rxjs';
import { normalizePassphrase } from '../../crypto/roomKeys.js';
import { promptHidden, NoAnswerError } from '../../terminal/promptHidden.js';
import type { SafeText } from '../../text/sanitize.js';
import { usageError } from '../process/exit.js';
import { type Flags, stringFlag } from '../args/flags.js';
import { readFirstLine } from './secretFiles.js';

/**
 * Emits the passphrase of `--passphrase-file`, else of `RXCHAT_PASSPHRASE`, else prompts on the terminal.
 * Errors with a `usageError` if no passphrase is given.
 */
export const passphraseFromFlags = (flags: Flags, question: SafeText): Observable<string> =>
  defer(() => {
    const file = stringFlag(flags, 'passphraseFile');
    const given =
      file === undefined ? process.env['RXCHAT_PASSPHRASE'] : readFirstLine(file, '--passphrase-file');
    if (file !== undefined && normalizePassphrase(given ?? '') === '')
      throw usageError(`no passphrase in ${file}`);
    if (given !== undefined && given !== '') return of(given);
    return flags['input'] === false ? rejectPrompt() : prompt(question);
  });

const HINT = 'give it with --passphrase-file FILE or in RXCHAT_PASSPHRASE';

const rejectPrompt = (): Observable<never> =>
  throwError(() => usageError('a passphrase is required, but --no-input forbids prompting', HINT));

const prompt = (question: SafeText): Observable<string> =>
  promptHidden(question).pipe(
    catchError((error: unknown) =>
      throwError(() =>
        error instanceof NoAnswerError
          ? usageError(
              error.wasPrompted
                ? 'no passphrase was given'
                : 'a passphrase is required, but there is no terminal to prompt on',
              HINT,
            )
          : error,
      ),
    ),
  );

/** Returns `count` random words of the BIP-39 list, 11 bits each. */
export const generateWords = async (count: number): Promise<string> => {
  const { wordlist } = await import('@scure/bip39/wordlists/english.js');
  return Array.from({ length: count }, () => wordlist[randomInt(wordlist.length)]).join(' ');
};

/** Minimum length in characters. The operator of the relay could guess a shorter passphrase. */
const MIN_LENGTH = 20;

/**
 * Returns a warning about a passphrase, or `undefined` if it is long enough. The operator of a relay could
 * guess a short passphrase.
 */
export const passphraseWarning = (passphrase: string): string | undefined => {
  const characters = Array.from(normalizePassphrase(passphrase)).length;
  if (characters >= MIN_LENGTH) return undefined;
  return `a passphrase of ${characters} characters is short enough for the relay to guess; --words 6 generates a strong one`;
};
