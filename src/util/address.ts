import { fromBase64url } from '../../streams/wire/index.js';

/** Host and port of a relay. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_ADDRESS: Address = { host: '127.0.0.1', port: 55_555 };

/**
 * Formats `HOST:PORT`, with an IPv6 address in brackets.
 *
 * @example
 * import { formatAddress } from 'rxchat';
 *
 * formatAddress({ host: '::1', port: 55555 }); // '[::1]:55555'
 */
export const formatAddress = ({ host, port }: Address): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/**
 * Whether a host is an IPv6 address, with or without a zone such as `%eth0`, as the URL parser of the platform
 * sees it.
 */
const isIPv6 = (host: string): boolean => {
  const [literal = ''] = host.split('%');
  return /^[\da-f:.]+$/i.test(literal) && URL.canParse(`http://[${literal}]/`);
};

/** Whether a host is this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * Returns the canonical form of a host, or `undefined` if it is not a host. Names become lower-case ASCII; IPv6
 * addresses become their shortest form, without brackets.
 */
export const normalizeHost = (host: string): string | undefined => {
  // The URL parser checks hosts and converts names to ASCII for http only, not for a custom scheme.
  const site = `http://${isIPv6(host) ? `[${host}]` : host}/`;
  return URL.canParse(site) ? new URL(site).hostname.replace(/^\[|\]$/g, '') : undefined;
};

/** Length of the pin of a relay in characters: the SHA-256 of its public key in base64url. */
export const PIN_LENGTH = 43;

/** Whether a text is a pin. */
export const isPin = (text: string): boolean => fromBase64url(text)?.length === 32;
