import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback, normalHost } from '../address.js';

export interface OriginRule {
  /** Pages of these origins may come (`https://chat.example.org`). */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Whether only these may: not the relay's own pages either, where they are not among them. */
  readonly isOnly?: boolean | undefined;
  /** Where the relay listens. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Whether the relay's certificate is for a name. */
  readonly isCertified?: ((name: string) => boolean) | undefined;
}

/** `https://host[:port]` in the one spelling of an origin (RFC 6454); `undefined` where a text is none. */
export const normalOrigin = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && ['https:', 'http:'].includes(url.protocol) && url.pathname === '/';
  return isOrigin && url.search === '' && url.hash === '' && url.username === '' ? url.origin : undefined;
};

/**
 * Whether a request that asks for a WebSocket comes from a page that may: one of the relay's own, or of an origin that was
 * named. Browsers put the origin of a page in its requests, and let no page change it; who sends none is no browser.
 *
 * That `Origin` and `Host` are the same is not enough. The owner of any name can let it lead here (DNS rebinding), and
 * then a page of that owner has both. So the relay's own pages are those at an address, at `localhost`, at the name that
 * the relay listens on and at the names of its certificate; and for a relay within one machine those within it.
 */
export const isFromPage = (
  { headers }: Pick<IncomingMessage, 'headers'>,
  { origins = new Set(), isOnly = false, host, isSecure, isCertified = () => false }: OriginRule,
): boolean => {
  const { origin } = headers;
  if (origin === undefined) return true;
  const from = normalOrigin(origin);
  if (from === undefined) return false;
  if (origins.has(from)) return true;
  const own = normalOrigin(`${isSecure ? 'https' : 'http'}://${headers.host ?? ''}`);
  if (isOnly || own !== from) return false;
  const name = new URL(own).hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(name) || isCertified(name)) return true;
  return !isLoopback(host) && (isIP(name) !== 0 || name === normalHost(host));
};
