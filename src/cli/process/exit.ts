import { SlotsInUseError } from '../../group/errors.js';
import { HistoryError } from '../../history/layout/errors.js';
import { IdentityError } from '../../identity/privateFile.js';
import { LimitError, ConnectionError, ProtocolError, RefusedError } from '../../../streams/wire/index.js';
import { LedgerError } from '../../nats/errors.js';
import { CertificateError } from '../../net/tls/certificate.js';
import { TrustError } from '../../net/tls/trust.js';
import { sanitize } from '../../text/sanitize.js';
import { writeWords } from '../../terminal/write.js';

/** The exit codes of the command, by meaning. */
export const Exit = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  network: 3,
  refused: 4,
  untrustedKey: 5,
  limit: 6,
  partial: 7,
  gap: 8,
  timeout: 9,
  storage: 10,
  removed: 11,
  withdrawn: 12,
} as const;

/** Describes the exit codes, for the help and the manual. */
export const EXIT_CODES: readonly (readonly [string, string])[] = [
  [`${Exit.ok}`, 'success, everything is stored'],
  [`${Exit.unexpected}`, 'unexpected error; check: damage'],
  [`${Exit.usage}`, 'wrong usage'],
  [`${Exit.network}`, 'network: relay unreachable, or connection lost with --no-retry'],
  [`${Exit.refused}`, 'refused by the relay'],
  [`${Exit.untrustedKey}`, 'untrusted or changed key'],
  [`${Exit.limit}`, 'over a limit'],
  [`${Exit.partial}`, 'only some lines were stored, or entries saved; the count is printed'],
  [`${Exit.gap}`, 'gap, with --fail-on-gap'],
  [`${Exit.timeout}`, 'listen: timed out, with --timeout'],
  [`${Exit.storage}`, 'serve: storage failed; restart it'],
  [`${Exit.removed}`, 'a member of the group removed you'],
  [`${Exit.withdrawn}`, 'the group has another invite; ask a member for it'],
  ['129, 130, 143', 'ended by SIGHUP, SIGINT, SIGTERM'],
];

/** Ends the command with a message, an exit code and an optional hint. */
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

/** Creates the error for wrong usage, exit code 2. */
export const usageError = (message: string, hint?: string): CliError =>
  new CliError(Exit.usage, message, hint);

const REJECTION_HINTS: Readonly<Record<string, string>> = {
  'access-denied':
    'if this relay needs a token, give it with --access-token-file or in RXCHAT_ACCESS_TOKEN; otherwise ask its operator',
  'nick-taken':
    'choose another with --nick; to use one nick from several places, copy the same identity.pem to all of them',
  'nick-empty': 'choose one with --nick',
  'nick-too-long': 'choose a shorter one with --nick',
  'nick-invalid': 'choose another with --nick',
};

/** How the errors of a shared store end `serve`; by default as wrong usage. */
const LEDGER_EXITS: Readonly<Record<string, number>> = {
  unreachable: Exit.network,
  timeout: Exit.storage,
  failed: Exit.storage,
};

const HISTORY_EXITS: Readonly<Record<string, number>> = { damaged: Exit.unexpected, failed: Exit.storage };

/** How the errors of a group room end a command, by name: the relay, which has the same exits, must not import them. */
const GROUP_EXITS: Readonly<Record<string, { readonly exitCode: number; readonly hint?: string }>> = {
  RemovedError: { exitCode: Exit.removed, hint: 'a member can invite you again' },
  WithdrawnError: { exitCode: Exit.withdrawn, hint: 'ask a member for the present invite' },
  GroupFullError: { exitCode: Exit.limit },
};

/** Converts any error into an error that ends the command. */
export const toCliError = (error: unknown): CliError => {
  if (error instanceof CliError) return error;
  if (error instanceof ConnectionError) return new CliError(Exit.network, error.message);
  if (error instanceof RefusedError)
    return new CliError(
      Exit.refused,
      `refused: ${error.message} (${error.code})`,
      REJECTION_HINTS[error.code],
    );
  if (error instanceof ProtocolError)
    return new CliError(Exit.refused, error.message, REJECTION_HINTS[error.code]);
  if (error instanceof LimitError) return new CliError(Exit.limit, error.message);
  if (error instanceof TrustError) return new CliError(Exit.untrustedKey, error.message, error.hint);
  if (error instanceof CertificateError) return new CliError(Exit.usage, error.message);
  if (error instanceof IdentityError) return new CliError(Exit.untrustedKey, error.message, error.hint);
  const group = error instanceof Error ? GROUP_EXITS[error.name] : undefined;
  if (group !== undefined && error instanceof Error)
    return new CliError(group.exitCode, error.message, group.hint);
  if (error instanceof SlotsInUseError) return new CliError(Exit.limit, error.message, error.hint);
  if (error instanceof HistoryError)
    return new CliError(HISTORY_EXITS[error.code] ?? Exit.usage, error.message, error.hint);
  if (error instanceof LedgerError)
    return new CliError(LEDGER_EXITS[error.code] ?? Exit.usage, error.message, error.hint);
  return new CliError(
    Exit.unexpected,
    `unexpected: ${String(error)}`,
    'this is a bug in rxchat; please report it',
  );
};

/** Maximum length of a note, in characters. It stops a relay from filling the screen. */
const NOTE_LIMIT = 8192;

/**
 * Writes a note to stderr, on a terminal wrapped at words.
 * Control characters in text from others become visible.
 */
export const printNote = (text: string): void => {
  writeWords(sanitize(`rxchat: ${text}`, NOTE_LIMIT), 'rxchat: '.length);
};

/** Reports on stderr why the command ends. */
export const reportError = ({ message, hint }: CliError): void => {
  printNote(message);
  if (hint !== undefined) printNote(`hint: ${hint}`);
};
