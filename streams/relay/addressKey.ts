/**
 * Whom connections of one peer count for: its IPv4 address, or the /64 of its IPv6 address, which is what one customer
 * gets; an IPv4 address written as IPv6 counts as itself. What is no address counts as it is.
 *
 * @example
 * import { addressKey } from 'rxchat/streams';
 *
 * addressKey('192.0.2.1:50412'); // '192.0.2.1'
 * addressKey('[2001:db8:1:2:3:4:5:6]:50412'); // '2001:db8:1:2::/64'
 */
export const addressKey = (peer: string): string => {
  const host = peer
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '');
  if (!host.includes(':')) return host;
  const mapped = /^::ffff:([\d.]+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = host.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const network = [...left, ...zeros, ...right].slice(0, 4);
  return `${network.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
};
