import { randomInt } from 'node:crypto';
import { readGiven } from '../files/readGiven.js';
import { catchError, defer, type Observable, of, throwError } from 'rxjs';
import { normalPassphrase } from '../invite/kdf.js';
import { askHidden, NoAnswerError } from '../terminal/askHidden.js';
import type { Visible } from '../terminal/visible.js';
import { systemFault } from '../systemFault.js';
import { usageError } from './exit.js';
import { type Flags, text } from './flags.js';

/** A passphrase from `--passphrase-file`, `RXCHAT_PASSPHRASE` or, where neither is, the terminal: in this order. */
export const readPassphrase = (flags: Flags, question: Visible): Observable<string> =>
  defer(() => {
    const file = text(flags, 'passphraseFile');
    const given = file === undefined ? process.env['RXCHAT_PASSPHRASE'] : readFirstLine(file);
    if (file !== undefined && normalPassphrase(given ?? '') === '')
      throw usageError(`there is no passphrase in ${file}`);
    if (given !== undefined && given !== '') return of(given);
    return flags['input'] === false ? refuseToAsk() : ask(question);
  });

const HINT = 'give it with --passphrase-file FILE or in RXCHAT_PASSPHRASE';

const refuseToAsk = (): Observable<never> =>
  throwError(() => usageError('a passphrase is needed, and --no-input forbids asking for it', HINT));

const ask = (question: Visible): Observable<string> =>
  askHidden(question).pipe(
    catchError((error: unknown) =>
      throwError(() =>
        error instanceof NoAnswerError
          ? usageError(
              error.asked
                ? 'no passphrase was given'
                : 'a passphrase is needed, and there is no terminal to ask on',
              HINT,
            )
          : error,
      ),
    ),
  );

const readFirstLine = (file: string): string => {
  try {
    return readGiven(file).toString('utf8').trim().split('\n')[0] ?? '';
  } catch (error) {
    throw usageError(`cannot read --passphrase-file ${file}: ${systemFault(error)}`);
  }
};

/** So many words of the BIP-39 list, drawn evenly: 11 bits each. */
export const makeWords = async (count: number): Promise<string> => {
  const { wordlist } = await import('@scure/bip39/wordlists/english.js');
  return Array.from({ length: count }, () => wordlist[randomInt(wordlist.length)]).join(' ');
};

/** Fewer characters than this are within reach of whoever runs the relay. */
const SHORT = 20;

/** What to say of a passphrase that can be guessed; `undefined` where its length says nothing against it. */
export const weakness = (passphrase: string): string | undefined => {
  const characters = Array.from(normalPassphrase(passphrase)).length;
  if (characters >= SHORT) return undefined;
  return `a passphrase of ${characters} characters is short: the relay can try guesses against it; --words 6 makes one that it cannot guess`;
};
