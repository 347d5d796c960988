import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readGiven } from '../files/readGiven.js';
import { errorCode } from '../transport/networkError.js';
import { systemFault } from '../systemFault.js';
import type { Certificate } from '../transport/tls.js';

/** A certificate or its key cannot be used. The message names the file and holds nothing of the key. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** Reads a certificate and its key, in PEM; throws a `CertificateError` where they are none or do not belong together. */
export const readCertificate = (certFile: string, keyFile: string): Certificate => {
  const certificate = { cert: readText(certFile), key: readText(keyFile) };
  check(certificate, certFile, keyFile);
  return certificate;
};

/** The certificate itself, of the chain the first; throws a `CertificateError`. */
export const leafOf = ({ cert }: Certificate, file: string): X509Certificate => {
  try {
    return new X509Certificate(cert);
  } catch {
    throw new CertificateError(`${file} has no certificate in PEM`);
  }
};

/** Sees that a key is the certificate's. */
export const check = (certificate: Certificate, certFile: string, keyFile: string): void => {
  const leaf = leafOf(certificate, certFile);
  if (!leaf.checkPrivateKey(privateKeyOf(certificate, keyFile)))
    throw new CertificateError(`the key in ${keyFile} is not that of the certificate in ${certFile}`);
};

const privateKeyOf = ({ key }: Certificate, file: string) => {
  try {
    return createPrivateKey(key);
  } catch (error) {
    if (errorCode(error) === 'ERR_MISSING_PASSPHRASE')
      throw new CertificateError(`the key in ${file} is encrypted; it has to be in the clear`);
    throw new CertificateError(`${file} has no private key in PEM`);
  }
};

/** What is the matter with a certificate at a time, in ms since 1970; nothing: `undefined`. */
export const problemAt = (leaf: X509Certificate, now: number): string | undefined => {
  if (now > Date.parse(leaf.validTo)) return `it has expired (${leaf.validTo})`;
  return now < Date.parse(leaf.validFrom) ? `it is not valid before ${leaf.validFrom}` : undefined;
};

const readText = (file: string): string => {
  try {
    return readGiven(file).toString('utf8');
  } catch (error) {
    throw new CertificateError(`cannot read ${file}: ${systemFault(error)}`);
  }
};
