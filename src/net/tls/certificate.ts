import { createHash, createPrivateKey, timingSafeEqual, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createFile, makeDirectory } from '../../files/writeFile.js';
import { readInputFile } from '../../files/readFile.js';
import { describeSystemError, errorCode } from '../../util/errors.js';

/** A private key and its certificate chain, both in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** The identity that a TLS peer presented; the handshake proves that it has the key. */
export interface PeerCertificate {
  /** SHA-256 of its public key (SubjectPublicKeyInfo) in base64url. */
  readonly pin: string;
  /**
   * Why the system authorities do not confirm the certificate for the requested host, or `undefined` if they
   * do.
   */
  readonly problem: string | undefined;
}

/**
 * Computes the pin of a certificate: the SHA-256 of its public key (SubjectPublicKeyInfo in DER, RFC 7469) in
 * base64url. A renewed certificate with the same key has the same pin.
 */
export const computePin = ({ publicKey }: X509Certificate): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');

/** Compares two pins in constant time. */
export const pinsEqual = (first: string, second: string): boolean => {
  const [a, b] = [Buffer.from(first), Buffer.from(second)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** A certificate or its key cannot be used. The message names the file and contains nothing of the key. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** Loads a certificate and its key in PEM. Throws a `CertificateError` if they are invalid or do not match. */
export const loadCertificate = (certFile: string, keyFile: string): Certificate => {
  const certificate = { cert: readPem(certFile), key: readPem(keyFile) };
  checkCertificate(certificate, certFile, keyFile);
  return certificate;
};

/** Parses the first certificate of a chain. Throws a `CertificateError`. */
export const parseLeaf = ({ cert }: Certificate, file: string): X509Certificate => {
  try {
    return new X509Certificate(cert);
  } catch {
    throw new CertificateError(`${file} has no certificate in PEM`);
  }
};

/** Checks that a key belongs to its certificate. Throws a `CertificateError`. */
export const checkCertificate = (certificate: Certificate, certFile: string, keyFile: string): void => {
  const leaf = parseLeaf(certificate, certFile);
  if (!leaf.checkPrivateKey(parsePrivateKey(certificate, keyFile)))
    throw new CertificateError(`the key in ${keyFile} does not match the certificate in ${certFile}`);
};

const parsePrivateKey = ({ key }: Certificate, file: string) => {
  try {
    return createPrivateKey(key);
  } catch (error) {
    if (errorCode(error) === 'ERR_MISSING_PASSPHRASE')
      throw new CertificateError(`the key in ${file} is encrypted; it has to be unencrypted`);
    throw new CertificateError(`${file} has no private key in PEM`);
  }
};

/** Returns why a certificate is not valid at a time in ms since 1970, or `undefined` if it is. */
export const validityProblem = (leaf: X509Certificate, now: number): string | undefined => {
  if (now > Date.parse(leaf.validTo)) return `it has expired (${leaf.validTo})`;
  return now < Date.parse(leaf.validFrom) ? `it is not valid before ${leaf.validFrom}` : undefined;
};

const readPem = (file: string): string => {
  try {
    return readInputFile(file).toString('utf8');
  } catch (error) {
    throw new CertificateError(`cannot read ${file}: ${describeSystemError(error)}`);
  }
};

/** Validity of the certificate in years. Clients check its pinned key, not its age. */
const VALID_YEARS = 30;

/** The file in the directory of a relay with its own certificate and key. */
export const OWN_CERTIFICATE_FILE = 'tls.pem';

/**
 * Loads the self-signed certificate of a relay from its directory, or creates it. Key and certificate are one
 * file, written completely or not at all. Rejects with a `CertificateError` if it cannot be used. It never
 * replaces the file, since a new key would lock out all clients with the old pin.
 */
export const loadOwnCertificate = async (dir: string): Promise<Certificate> => {
  const path = join(dir, OWN_CERTIFICATE_FILE);
  try {
    return readOwnCertificate(path) ?? saveCertificate(dir, path, await generateCertificate());
  } catch (error) {
    if (error instanceof CertificateError) throw error;
    throw new CertificateError(
      `cannot load or create the certificate in ${path}: ${describeSystemError(error)}`,
    );
  }
};

const readOwnCertificate = (path: string): Certificate | undefined => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    throw new CertificateError(`others can read the key in ${path}: chmod 600 it, or replace it`);
  const text = readFileSync(path, 'utf8');
  const certificate = { key: text, cert: text };
  checkCertificate(certificate, path, path);
  return certificate;
};

/** If two processes create one, both use the first. */
const saveCertificate = (dir: string, path: string, text: string): Certificate => {
  makeDirectory(dir);
  createFile(path, text);
  return readOwnCertificate(path) ?? { key: text, cert: text };
};

const generateCertificate = async (): Promise<string> => {
  const { generate } = await import('selfsigned');
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + VALID_YEARS);
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'rxchat relay' }], {
    keyType: 'ec',
    curve: 'P-256',
    notAfterDate,
  });
  return `${key.trim()}\n${cert.trim()}\n`;
};
