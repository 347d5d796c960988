import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOwnCertificate } from '../../src/net/tls/certificate.js';
import type { Certificate } from '../../src/net/tls/certificate.js';

/** Creates a new self-signed certificate, as a relay does. */
export const newCertificate = async (): Promise<Certificate> => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-certificate-'));
  try {
    return await loadOwnCertificate(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

let cachedCertificate: Promise<Certificate> | undefined;

/** A certificate for tests that do not depend on its content. */
export const testCertificate = (): Promise<Certificate> => (cachedCertificate ??= newCertificate());
