import { BlockList, isIP, isIPv6 } from 'node:net';

/** Returns whether an IP address is that of a trusted proxy. */
export type IsTrustedProxy = (address: string) => boolean;

/** Addresses of this machine. */
export const LOOPBACK = '127.0.0.0/8,::1';

/**
 * Parses a list of IP addresses and networks, such as `10.0.0.7,fd00::/8`, or returns `undefined` if it is not
 * a list of them.
 */
export const parseTrustedProxies = (text: string): IsTrustedProxy | undefined => {
  const list = new BlockList();
  for (const item of text.split(',')) {
    const [address = '', prefix, ...more] = item.trim().split('/');
    const bits = isIPv6(address) ? 128 : 32;
    if (isIP(address) === 0 || more.length > 0) return undefined;
    if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return undefined;
    list.addSubnet(address, Number(prefix ?? bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
};
