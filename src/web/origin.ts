import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../address.js';

export interface OriginRule {
  /** Pages of these origins may come too (`https://chat.example.org`), beside those of the relay itself. */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Where the relay listens. */
  readonly host: string;
  readonly isSecure: boolean;
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
 * A relay within one machine takes its own pages by the names of that alone: else a page of anybody's, whose name leads
 * here by a trick of DNS, would count as one of its own.
 */
export const isFromPage = (
  { headers }: Pick<IncomingMessage, 'headers'>,
  { origins = new Set(), host, isSecure }: OriginRule,
): boolean => {
  const { origin } = headers;
  if (origin === undefined) return true;
  const from = normalOrigin(origin);
  if (from === undefined) return false;
  if (origins.has(from)) return true;
  const own = normalOrigin(`${isSecure ? 'https' : 'http'}://${headers.host ?? ''}`);
  if (own !== from) return false;
  return !isLoopback(host) || isLoopback(new URL(own).hostname.replace(/^\[|\]$/g, ''));
};
