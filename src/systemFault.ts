import { getSystemErrorMap } from 'node:util';
import { errorCode } from './transport/networkError.js';

/** What a call of the system came to grief on, in the system's words: `no such file or directory`. */
export const systemFault = (error: unknown): string => {
  // By its shape, since an error of another realm is no instance of this one's.
  const errno = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : undefined;
  const words = typeof errno === 'number' ? getSystemErrorMap().get(errno)?.[1] : undefined;
  return words ?? errorCode(error) ?? 'unknown';
};
