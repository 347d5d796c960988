/** Where a relay listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_ADDRESS: Address = { host: '127.0.0.1', port: 55_555 };

/**
 * `HOST:PORT`, an IPv6 address in brackets.
 *
 * @example
 * import { formatAddress } from 'rxchat';
 *
 * formatAddress({ host: '::1', port: 55555 }); // '[::1]:55555'
 */
export const formatAddress = ({ host, port }: Address): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Whether a host is an IPv6 address, of which a zone may say the interface; by the platform's reading of URLs. */
const isIPv6 = (host: string): boolean => {
  const [address = ''] = host.split('%');
  return /^[\da-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`);
};

/** Whether an address stays on this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * A host in the one spelling that all of its spellings have in common, or `undefined` where it is none: names in lower
 * case and ASCII, IPv6 addresses in their shortest form, without brackets.
 */
export const normalHost = (host: string): string | undefined => {
  // By the rules of http a host is checked, and a name with accents becomes ASCII; for a scheme of our own it is not.
  const site = `http://${isIPv6(host) ? `[${host}]` : host}/`;
  return URL.canParse(site) ? new URL(site).hostname.replace(/^\[|\]$/g, '') : undefined;
};
