import { getSystemErrorMap } from 'node:util';

/** Texts for codes that the system describes badly, or that mean the same to the user. */
const MESSAGES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EEXIST: 'a file of that name exists already',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file size limit exceeded',
  EIO: 'the disk reports an input/output error',
  ENOTREG: 'it is not a file, but a pipe or a device',
  ENOTOURS: 'it is a link that another user made',
  ETOOLARGE: 'it is too large',
};

/** Returns the name and text of an error by its name, or by its number. lmdb throws only a positive number. */
const lookUpError = (errno: unknown, code: unknown): readonly [string, string] | undefined => {
  const number = typeof errno === 'number' ? errno : code;
  if (typeof number === 'number') return getSystemErrorMap().get(-Math.abs(number));
  return [...getSystemErrorMap().values()].find(([name]) => name === code);
};

const fieldOf = (error: unknown, field: 'errno' | 'code'): unknown =>
  // Read by shape, since an error of another realm is not an instance of this `Error`.
  typeof error === 'object' && error !== null && field in error
    ? (error as Readonly<Record<string, unknown>>)[field]
    : undefined;

/**
 * Describes a system error, such as `no such file or directory`, or returns `undefined` if it is not one. All
 * commands, the history and the key files use these texts.
 */
export const systemErrorText = (error: unknown): string | undefined => {
  const found = lookUpError(fieldOf(error, 'errno'), fieldOf(error, 'code'));
  const [name, words] = found ?? [errorCode(error)];
  return (name === undefined ? undefined : MESSAGES[name]) ?? words;
};

/** Describes any error. Falls back to its code or `unknown`, never to its message, which may contain a secret. */
export const describeSystemError = (error: unknown): string =>
  systemErrorText(error) ?? errorCode(error) ?? 'unknown';

const REASONS: Readonly<Record<string, string>> = {
  EPERM: 'permission denied',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  ECONNREFUSED: 'connection refused, nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  ENETUNREACH: 'the network cannot be reached',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'no answer',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it does not speak TLS 1.3',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it does not speak TLS 1.3',
};

/** Returns the code of a system error, such as `ECONNREFUSED`, or `undefined` if the error has no code. */
export const errorCode = (error: unknown): string | undefined =>
  // Read by shape, since an error of another realm (a vm, a test) is not an instance of this `Error`.
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** Describes a network error. */
export const describeNetworkError = (error: Error): string => {
  const code = errorCode(error) ?? '';
  if (code === 'EPROTO' && error.message.includes('SSL routines'))
    return /wrong version|packet length/.test(error.message)
      ? 'it does not speak TLS'
      : /alert protocol version|unsupported protocol/.test(error.message)
        ? 'it does not speak TLS 1.3'
        : 'TLS failed';
  if (code.startsWith('HPE_')) return 'it does not speak HTTP';
  // Texts of OpenSSL have several lines and name its source files.
  const fallback = code.startsWith('ERR_SSL_')
    ? `TLS failed (${code.slice(8).toLowerCase()})`
    : error.message;
  return REASONS[code] ?? fallback;
};
