import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CheckAccess } from '../../streams/relay/index.js';
import { fromBase64url, toBase64url } from '../../streams/wire/index.js';

/** The shortest access token, in characters: who sees a join in the clear can try tokens against it. */
export const SHORTEST_ACCESS_TOKEN = 16;

const mac = (token: string, message: Uint8Array): Buffer =>
  createHmac('sha256', token).update(message).digest();

/** Shows an access token over one join: HMAC-SHA256, base64url. The token itself does not leave. */
export const showAccess =
  (token: string) =>
  (message: Uint8Array): string =>
    toBase64url(mac(token, message));

/** Whether one of these tokens was shown; each is compared, in constant time. */
export const checkAccess =
  (tokens: readonly string[]): CheckAccess =>
  (message, access) => {
    const shown = access === undefined ? undefined : fromBase64url(access);
    if (shown?.length !== 32) return false;
    return tokens.filter((token) => timingSafeEqual(mac(token, message), shown)).length > 0;
  };
