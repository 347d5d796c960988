import { BucketLevel, type Rate, schedulerTime, UNLIMITED } from '../../rx/tokenBucket.js';

/** A rate limit for each address. */
export interface AddressRate extends Rate {
  /** Returns whether an address, as returned by `addressKey`, has no limit. */
  readonly isExempt?: (address: string) => boolean;
}

/** The token buckets of all addresses. */
export interface AddressBuckets {
  /** Returns the bucket of a peer's address. Use it at once: the next call can remove it. */
  readonly bucketOf: (peer: string) => BucketLevel;
  /** Returns a bucket for repeated use, or `undefined` if the peer has no limit. */
  readonly limiterOf: (peer: string) => AddressLimiter | undefined;
  /** Number of addresses that have a bucket. */
  readonly size: number;
}

/** The bucket of an address, looked up again for each use. */
export type AddressLimiter = Pick<BucketLevel, 'has' | 'take' | 'debtMs'>;

export interface AddressBucketsOptions {
  /** Clock in ms. */
  readonly now?: (() => number) | undefined;
  /** Maximum number of addresses with a bucket; the least recently used are removed first. 10 000. */
  readonly maxAddresses?: number;
}

/**
 * Returns the address that the connections of a peer count for.
 *
 * That is its IPv4 address, or the /64 of its IPv6 address, which is what one customer gets. An IPv4 address written as IPv6
 * counts as itself. Anything but an address is returned unchanged.
 *
 * @example
 * import { addressKey } from './addressRate.js';
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

/**
 * Creates a token bucket for each address, full at first. A bucket that was removed is full again.
 *
 * @example
 * import { addressBuckets } from './addressRate.js';
 *
 * const joins = addressBuckets({ perSecond: 1, burst: 1 }, { now: () => 0 });
 * joins.bucketOf('192.0.2.1:50412').take(1);
 * console.log(joins.bucketOf('192.0.2.1:50413').has(), joins.bucketOf('192.0.2.2:50412').has()); // false true
 */
export const addressBuckets = (
  rate: AddressRate = UNLIMITED,
  { now = schedulerTime, maxAddresses = 10_000 }: AddressBucketsOptions = {},
): AddressBuckets => {
  const buckets = new Map<string, BucketLevel>();
  const unlimited = new BucketLevel(UNLIMITED, now);

  const limitedAddress = (peer: string): string | undefined => {
    if (rate.perSecond === Infinity) return undefined;
    const address = addressKey(peer);
    return rate.isExempt?.(address) === true ? undefined : address;
  };

  const find = (address: string): BucketLevel => {
    const bucket = buckets.get(address) ?? new BucketLevel(rate, now);
    buckets.delete(address);
    buckets.set(address, bucket);
    if (buckets.size > maxAddresses) {
      const [oldest] = buckets.keys();
      buckets.delete(oldest ?? address);
    }
    return bucket;
  };

  return {
    bucketOf: (peer) => {
      const address = limitedAddress(peer);
      return address === undefined ? unlimited : find(address);
    },
    limiterOf: (peer) => {
      const address = limitedAddress(peer);
      if (address === undefined) return undefined;
      return {
        has: (n) => find(address).has(n),
        take: (n) => {
          find(address).take(n);
        },
        debtMs: () => find(address).debtMs(),
      };
    },
    get size() {
      return buckets.size;
    },
  };
};
