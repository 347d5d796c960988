import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';

/**
 * The pin of a certificate: the SHA-256 of its public key (SubjectPublicKeyInfo in DER, as in RFC 7469), base64url. A new
 * certificate for the same key has the same pin.
 */
export const pinOf = ({ publicKey }: X509Certificate): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');

/** Whether two pins are the same; takes as long wherever they differ. */
export const isSamePin = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};
