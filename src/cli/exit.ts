import { HistoryError } from '../history/errors.js';
import { IdentityError } from '../identity/errors.js';
import { LimitError, LinkError, ProtocolError, RefusedError } from '../../streams/wire/index.js';
import { CertificateError } from '../tls/certificate.js';
import { TrustError } from '../tls/trust.js';
import { visible } from '../terminal/visible.js';
import { writeWords } from '../terminal/write.js';

/** What the exit codes mean. */
export const Exit = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  network: 3,
  refused: 4,
  keys: 5,
  limit: 6,
  partly: 7,
  gap: 8,
  timeout: 9,
  store: 10,
} as const;

/** The same for people: the help and the manual. */
export const EXIT_CODES: readonly (readonly [string, string])[] = [
  [`${Exit.ok}`, 'ended normally, all stored'],
  [`${Exit.unexpected}`, 'unexpected'],
  [`${Exit.usage}`, 'wrong usage'],
  [`${Exit.network}`, 'network: never reached; lost, with --no-retry'],
  [`${Exit.refused}`, 'refused by the relay'],
  [`${Exit.keys}`, 'key trouble'],
  [`${Exit.limit}`, 'over a limit'],
  [`${Exit.partly}`, 'only a part is known to be stored, and how many lines is told'],
  [`${Exit.gap}`, 'a gap, with --fail-on-gap'],
  [`${Exit.timeout}`, 'listen: nothing ended it before --timeout'],
  [`${Exit.store}`, 'serve: it can store nothing any more; start it again'],
  ['129, 130, 143', 'ended by SIGHUP, SIGINT, SIGTERM'],
];

/** Ends the command: one line for people, an exit code, and where there is one, what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export const usageError = (message: string, hint?: string): CliError =>
  new CliError(Exit.usage, message, hint);

const REFUSAL_HINTS: Readonly<Record<string, string>> = {
  'access-denied': 'give the token of this relay with --access-token-file or in RXCHAT_ACCESS_TOKEN',
  'nick-taken':
    'choose another with --nick; to use one nick from several places, have the same identity.pem at all of them',
  'nick-empty': 'choose one with --nick',
  'nick-too-long': 'choose a shorter one with --nick',
  'nick-invalid': 'choose another with --nick',
};

const HISTORY_EXITS: Readonly<Record<string, number>> = { damaged: Exit.unexpected, failed: Exit.store };

/** Any error as one that ends the command. */
export const toCliError = (error: unknown): CliError => {
  if (error instanceof CliError) return error;
  if (error instanceof LinkError) return new CliError(Exit.network, error.message);
  if (error instanceof RefusedError)
    return new CliError(Exit.refused, `refused: ${error.message} (${error.code})`, REFUSAL_HINTS[error.code]);
  if (error instanceof ProtocolError)
    return new CliError(Exit.refused, error.message, REFUSAL_HINTS[error.code]);
  if (error instanceof LimitError) return new CliError(Exit.limit, error.message);
  if (error instanceof TrustError) return new CliError(Exit.keys, error.message, error.hint);
  if (error instanceof CertificateError) return new CliError(Exit.usage, error.message);
  if (error instanceof IdentityError) return new CliError(Exit.keys, error.message, error.hint);
  if (error instanceof HistoryError)
    return new CliError(HISTORY_EXITS[error.code] ?? Exit.usage, error.message, error.hint);
  return new CliError(
    Exit.unexpected,
    `unexpected: ${String(error)}`,
    'this is a fault of rxchat; please report it',
  );
};

/** The longest note, in characters: longer ones only a relay could cause that wants to fill the screen. */
const NOTE_LIMIT = 8192;

/** One line on stderr that is not conversation, on a terminal in rows of whole words. What others sent is made visible. */
export const note = (text: string): void => {
  writeWords(visible(`rxchat: ${text}`, NOTE_LIMIT), 'rxchat: '.length);
};

/** Says on stderr why the command ends. */
export const complain = ({ message, hint }: CliError): void => {
  note(message);
  if (hint !== undefined) note(`hint: ${hint}`);
};
