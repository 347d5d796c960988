import { BlockList, isIP, isIPv4 } from 'node:net';
import { normalizeHost } from '../util/address.js';

type Family = 'ipv4' | 'ipv6';

/** An IP address without its port. */
export interface IpAddress {
  readonly host: string;
  readonly family: Family;
}

/** A network: an address whose other bits are zero, and the number of bits that count. */
export interface AddressRange extends IpAddress {
  readonly prefix: number;
}

/** Bits of an IPv6 address that count if none are given: what one customer gets, as in the limits per address. */
const IPV6_PREFIX = 64;

/** Bits before the IPv4 address in an IPv6 address that stands for it. */
const MAPPED_PREFIX = 96;

/**
 * Parses an IP address with or without brackets, zone and port, as a peer has it; returns `undefined` for anything else. An
 * IPv4 address that is written as IPv6 is an IPv4 address.
 */
export const parseHost = (text: string): IpAddress | undefined => {
  const [, bracketed, port] = /^\[([^\]]*)\](:\d{1,5})?$/.exec(text) ?? [];
  const bare = bracketed ?? (/^[^:]+:\d{1,5}$/.test(text) ? text.replace(/:\d+$/, '') : text);
  const host = bare.replace(/%.*$/, '');
  if (isIP(host) === 0 || (port !== undefined && bracketed === undefined)) return undefined;
  if (isIPv4(host)) return { host, family: 'ipv4' };
  const canonical = normalizeHost(host) ?? host;
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return { host: canonical, family: 'ipv6' };
  const bits = (parseInt(high, 16) << 16) | parseInt(low, 16);
  return { host: [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.'), family: 'ipv4' };
};

/**
 * Parses an address or a network such as `192.0.2.0/24`, without a port; returns `undefined` for anything else. An IPv6
 * address without a length is its network of 64 bits.
 */
export const parseRange = (text: string): AddressRange | undefined => {
  const [, hostText = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (isIP(hostText) === 0) return undefined;
  const address = parseHost(hostText);
  if (address === undefined) return undefined;
  const isMapped = address.family === 'ipv4' && !isIPv4(hostText);
  const most = address.family === 'ipv4' ? 32 : 128;
  const whole = address.family === 'ipv4' ? 32 : IPV6_PREFIX;
  const prefix = digits === undefined ? whole : Number(digits) - (isMapped ? MAPPED_PREFIX : 0);
  if (prefix < 0 || prefix > most) return undefined;
  return { ...address, host: networkOf(address, prefix), prefix };
};

/** Formats a range; a single IPv4 address has no length. */
export const formatRange = ({ host, family, prefix }: AddressRange): string =>
  family === 'ipv4' && prefix === 32 ? host : `${host}/${prefix}`;

/** Returns a function that tells whether a peer is in one of the ranges. */
export const rangeMatcher = (ranges: readonly AddressRange[]): ((peer: string) => boolean) => {
  const blockList = new BlockList();
  for (const { host, prefix, family } of ranges) blockList.addSubnet(host, prefix, family);
  return (peer) => {
    const address = parseHost(peer);
    return address !== undefined && blockList.check(address.host, address.family);
  };
};

/** Returns an address with the bits after a prefix set to zero. */
const networkOf = ({ host, family }: IpAddress, prefix: number): string => {
  const [size, base, separator] = family === 'ipv4' ? [8, 10, '.'] : [16, 16, ':'];
  const parts = (family === 'ipv4' ? host : expand(host)).split(separator);
  const masked = parts.map((part, at) => {
    const zeros = Math.min(size, Math.max(0, (at + 1) * size - prefix));
    return (Math.floor(parseInt(part, base) / 2 ** zeros) * 2 ** zeros).toString(base);
  });
  const network = masked.join(separator);
  return normalizeHost(network) ?? network;
};

/** Writes out the zeros of an IPv6 address. */
const expand = (host: string): string => {
  const [head = '', tail] = host.split('::');
  const [left, right] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const missing = 8 - (left?.length ?? 0) - (right?.length ?? 0);
  return [
    ...(left ?? []),
    ...Array<string>(tail === undefined ? 0 : missing).fill('0'),
    ...(right ?? []),
  ].join(':');
};
