import { isIPv6 } from 'node:net';

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

/** Whether an address stays on this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
