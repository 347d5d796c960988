import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
import { createFile } from '../files/createFile.js';
import { systemFault } from '../systemFault.js';
import type { Certificate } from '../transport/tls.js';
import { CertificateError, check } from './certificate.js';

/** How long a certificate is good that nobody asks for its age, since its key is pinned. */
const YEARS = 30;

/**
 * The certificate that a relay made for itself, in a file of its directory; makes it where there is none. Key and
 * certificate are one file, which is there whole or not at all. Rejects with a `CertificateError` where it cannot be
 * used: it is never made anew over a file, for a new key would turn everyone away who has the old pin.
 */
export const ownCertificate = async (dir: string): Promise<Certificate> => {
  const path = join(dir, 'tls.pem');
  try {
    return read(path) ?? keep(dir, path, await make());
  } catch (error) {
    if (error instanceof CertificateError) throw error;
    throw new CertificateError(`cannot keep a certificate in ${path}: ${systemFault(error)}`);
  }
};

const read = (path: string): Certificate | undefined => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    throw new CertificateError(`others can read the key in ${path}: chmod 600 it, or replace it`);
  const text = readFileSync(path, 'utf8');
  const certificate = { key: text, cert: text };
  check(certificate, path, path);
  return certificate;
};

/** Of two that make one at once, both have that of the first. */
const keep = (dir: string, path: string, text: string): Certificate => {
  makeDirectory(dir);
  createFile(path, text);
  return read(path) ?? { key: text, cert: text };
};

const make = async (): Promise<string> => {
  const { generate } = await import('selfsigned');
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + YEARS);
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'rxchat relay' }], {
    keyType: 'ec',
    curve: 'P-256',
    notAfterDate,
  });
  return `${key.trim()}\n${cert.trim()}\n`;
};
