import { type Address, formatAddress } from '../address.js';
import type { Peer } from '../transport/tls.js';
import { isSamePin } from './pin.js';

/** The relay that answered is not who it should be, or nobody says who it is. Nothing was said to it. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Decides about a relay: returns, or throws a `TrustError`. */
export type Accept = (peer: Peer) => void;

/** Takes the relay with that pin and no other; no authority is asked. */
export const byPin =
  (pin: string, address: Address): Accept =>
  (peer) => {
    if (isSamePin(peer.pin, pin)) return;
    throw new TrustError(
      `the relay at ${formatAddress(address)} has another key than the one that it should have`,
      'somebody may be in between, or the relay got a new key: ask for a new invite by another way',
    );
  };

const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it made its certificate itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody known vouches for it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'nobody known vouches for it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody known vouches for it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** A problem with a certificate in words. */
export const explainProblem = (problem: string): string => PROBLEMS[problem] ?? problem.toLowerCase();

/** Takes a relay that the authorities of this machine vouch for. */
export const byAuthority =
  (address: Address): Accept =>
  ({ problem }) => {
    if (problem === undefined) return;
    throw new TrustError(
      `cannot tell whether the relay at ${formatAddress(address)} is the right one: ${explainProblem(problem)}`,
      'use an invite with the pin of the relay',
    );
  };

/** Relays that were met before. */
export interface KnownRelays {
  /** The pin of the relay at an address. */
  readonly pinOf: (address: Address) => string | undefined;
  readonly remember: (address: Address, pin: string) => void;
}

export interface FirstUseOptions {
  readonly known: KnownRelays;
  /** Takes a relay whose key has changed, and remembers the new one. */
  readonly acceptKey: boolean;
  /** Told of what a person should know. */
  readonly tell: (text: string) => void;
}

/**
 * Takes a relay that the authorities vouch for, and else the one that was met at this address before. Whoever is there at
 * the first time is taken for the right one, and it is told.
 */
export const onFirstUse =
  (address: Address, { known, acceptKey, tell }: FirstUseOptions): Accept =>
  ({ pin, problem }) => {
    if (problem === undefined) return;
    const where = formatAddress(address);
    const before = known.pinOf(address);
    if (before !== undefined && isSamePin(before, pin)) return;
    if (before !== undefined && !acceptKey)
      throw new TrustError(
        `the relay at ${where} has another key than last time: somebody may be in between`,
        'ask its owner; if the relay got a new key, go on with --accept-key',
      );
    known.remember(address, pin);
    tell(
      before === undefined
        ? `the relay at ${where} is met for the first time and trusted from now on; its pin is ${pin}`
        : `the relay at ${where} has a new key, which is trusted from now on; its pin is ${pin}`,
    );
  };
