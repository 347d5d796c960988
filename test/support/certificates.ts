import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownCertificate } from '../../src/tls/ownCertificate.js';
import type { Certificate } from '../../src/transport/tls.js';

/** A certificate of its own, as a relay makes one; another one with each call. */
export const newCertificate = async (): Promise<Certificate> => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-certificate-'));
  try {
    return await ownCertificate(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

let made: Promise<Certificate> | undefined;

/** One certificate for all who do not care which. */
export const testCertificate = (): Promise<Certificate> => (made ??= newCertificate());
