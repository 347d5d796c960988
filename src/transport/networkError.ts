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

/** The code of a system error (`ECONNREFUSED`), where it has one. */
export const errorCode = (error: unknown): string | undefined =>
  // Told by its shape, since an error of another realm (a vm, a test) is no instance of this one's `Error`.
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** A system error in words. */
export const explainNetworkError = (error: Error): string => {
  const code = errorCode(error) ?? '';
  if (code === 'EPROTO' && error.message.includes('SSL routines'))
    return /wrong version|packet length/.test(error.message)
      ? 'it does not speak TLS'
      : /alert protocol version|unsupported protocol/.test(error.message)
        ? 'it does not speak TLS 1.3'
        : 'TLS failed';
  if (code.startsWith('HPE_')) return 'it does not speak HTTP';
  // What OpenSSL says has several lines and names its own source files.
  const otherwise = code.startsWith('ERR_SSL_')
    ? `TLS failed (${code.slice(8).toLowerCase()})`
    : error.message;
  return REASONS[code] ?? otherwise;
};
