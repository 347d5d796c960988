import { addressKey } from './addressKey.js';

/** How many there may be at a time. Without a number there is no limit. */
export interface HeadLimits {
  /** In all. */
  readonly connections?: number;
  /** From one IPv4 address, or one IPv6 network of 64 bits. */
  readonly connectionsPerAddress?: number;
}

/** Counts who is there, in all and by address. */
export interface Headcount {
  /** Why this peer would be one too many; `undefined` where it would not. */
  readonly refusal: (peer: string) => string | undefined;
  /** Counts a peer in; gives what counts it out again, once. */
  readonly add: (peer: string) => () => void;
}

/**
 * An empty headcount.
 *
 * @example
 * import { headcount } from 'rxchat/streams';
 *
 * const { add, refusal } = headcount({ connectionsPerAddress: 1 });
 * const leave = add('192.0.2.1:50412');
 * console.log(refusal('192.0.2.1:50413')); // 'there are too many connections from this address'
 * leave();
 */
export const headcount = ({
  connections = Infinity,
  connectionsPerAddress = Infinity,
}: HeadLimits): Headcount => {
  let all = 0;
  const byAddress = new Map<string, number>();
  const count = (address: string, change: 1 | -1) => {
    all += change;
    const there = (byAddress.get(address) ?? 0) + change;
    if (there === 0) byAddress.delete(address);
    else byAddress.set(address, there);
  };

  return {
    refusal: (peer) => {
      if (all >= connections) return 'the relay has too many connections';
      if ((byAddress.get(addressKey(peer)) ?? 0) >= connectionsPerAddress)
        return 'there are too many connections from this address';
      return undefined;
    },
    add: (peer) => {
      const address = addressKey(peer);
      let there = true;
      count(address, 1);
      return () => {
        if (there) count(address, -1);
        there = false;
      };
    },
  };
};
