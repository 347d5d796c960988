const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'no permission',
  ECONNREFUSED: 'connection refused, nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  ENETUNREACH: 'the network cannot be reached',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'no answer',
};

/** The code of a system error (`ECONNREFUSED`), where it has one. */
export const errorCode = (error: unknown): string | undefined =>
  // Told by its shape, since an error of another realm (a vm, a test) is no instance of this one's `Error`.
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** A system error in words. */
export const explainNetworkError = (error: Error): string => {
  const code = errorCode(error);
  return (code !== undefined ? REASONS[code] : undefined) ?? error.message;
};
