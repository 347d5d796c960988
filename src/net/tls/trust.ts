import { join } from 'node:path';
import { appendPrivateFile, readTrustedFile, IdentityError } from '../../identity/privateFile.js';
import { type Address, formatAddress, isPin } from '../../util/address.js';
import { type PeerCertificate, pinsEqual } from './certificate.js';

/** The relay is not the expected one, or its identity cannot be verified. Nothing was sent to it. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
  /** What the user can do. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Decides whether to trust a relay: returns, or throws a `TrustError`. */
export type TrustPolicy = (peer: PeerCertificate) => void;

/** Trusts only the relay with this pin, whatever its certificate authority. */
export const trustPin =
  (pin: string, address: Address): TrustPolicy =>
  (peer) => {
    if (pinsEqual(peer.pin, pin)) return;
    throw new TrustError(
      `the relay at ${formatAddress(address)} has a different key than expected`,
      'this may be an attack, or the relay has a new key; ask for a new invite over another channel',
    );
  };

const TLS_PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate authority is unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate authority is unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** Describes a problem with a certificate. */
export const describeTlsProblem = (problem: string): string => TLS_PROBLEMS[problem] ?? problem.toLowerCase();

/** Trusts a relay whose certificate the system authorities confirm. */
export const trustAuthority =
  (address: Address): TrustPolicy =>
  ({ problem }) => {
    if (problem === undefined) return;
    throw new TrustError(
      `cannot verify the relay at ${formatAddress(address)}: ${describeTlsProblem(problem)}`,
      'use an invite with the pin of the relay',
    );
  };

/** Relays of earlier connections. */
export interface KnownRelays {
  /** Returns the pin of the relay at an address. */
  readonly pinFor: (address: Address) => string | undefined;
  readonly remember: (address: Address, pin: string) => void;
}

export interface FirstUseOptions {
  readonly known: KnownRelays;
  /** Accepts a relay whose key has changed, and saves the new key. */
  readonly acceptChangedKey: boolean;
  /** Notifies the user. */
  readonly notify: (text: string) => void;
}

/**
 * Trusts a relay whose certificate the system authorities confirm, else the relay that was known at this
 * address (trust on first use). Notifies the user about a first or changed key.
 */
export const trustRelayOnFirstUse =
  (address: Address, { known, acceptChangedKey, notify }: FirstUseOptions): TrustPolicy =>
  ({ pin, problem }) => {
    if (problem === undefined) return;
    const where = formatAddress(address);
    const before = known.pinFor(address);
    if (before !== undefined && pinsEqual(before, pin)) return;
    if (before !== undefined && !acceptChangedKey)
      throw new TrustError(
        `the relay at ${where} has a different key than last time; this may be an attack`,
        'ask its operator; if the relay has a new key, use --accept-key',
      );
    known.remember(address, pin);
    notify(
      before === undefined
        ? `first connection to the relay at ${where}; its key is trusted from now on (pin ${pin})`
        : `the relay at ${where} has a new key, which is trusted from now on (pin ${pin})`,
    );
  };

/**
 * Opens the file of known relays in a directory: `HOST:PORT PIN` per line, where the last line of an address
 * counts. The file is append-only, one write per line, for several processes. Pins that cannot be written stay
 * in memory, and `onError` receives the error. Throws `IdentityError` if the file cannot be read or others can
 * change it.
 */
export const openKnownRelays = (dir: string, onError: (error: IdentityError) => void): KnownRelays => {
  const path = join(dir, 'known-relays');
  const unsaved = new Map<string, string>();
  return {
    pinFor: (address) =>
      unsaved.get(addressKey(address)) ??
      (readTrustedFile(path) ?? '')
        .split('\n')
        .map((line) => line.trim().split(' '))
        .findLast(([where, pin = '']) => where === addressKey(address) && isPin(pin))?.[1],
    remember: (address, pin) => {
      try {
        // A full disk may have cut the last line.
        const isPartial = !(readTrustedFile(path) ?? '\n').endsWith('\n');
        appendPrivateFile(path, `${isPartial ? '\n' : ''}${addressKey(address)} ${pin}\n`);
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        unsaved.set(addressKey(address), pin);
        onError(error);
      }
    },
  };
};

const addressKey = (address: Address): string => formatAddress(address).toLowerCase();
