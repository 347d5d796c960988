import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CertificateError,
  computePin,
  loadCertificate,
  loadOwnCertificate,
  parseLeaf,
  pinsEqual,
  validityProblem,
} from '../../../../src/net/tls/certificate.js';
import { isPin } from '../../../../src/util/address.js';
import { newCertificate, testCertificate } from '../../../support/certificates.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-tls-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Writes a certificate and a key into files. */
const files = (cert: string, key: string): [string, string] => {
  const paths: [string, string] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(paths[0], cert);
  writeFileSync(paths[1], key);
  return paths;
};

const complaint = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(CertificateError);
    return (error as CertificateError).message;
  }
  throw new Error('it did not throw');
};

describe('a certificate in files', () => {
  test('is loaded as the files contain it', async () => {
    const { cert, key } = await testCertificate();
    expect(loadCertificate(...files(cert, key))).toStrictEqual({ cert, key });
  });

  test('is rejected without printing the key when the files are invalid or do not match', async () => {
    const [one, other] = [await testCertificate(), await newCertificate()];
    const [certFile, keyFile] = files(one.cert, other.key);
    expect(complaint(() => loadCertificate(certFile, keyFile))).toBe(
      `the key in ${keyFile} does not match the certificate in ${certFile}`,
    );
    files('rubbish', one.key);
    expect(complaint(() => loadCertificate(certFile, keyFile))).toBe(`${certFile} has no certificate in PEM`);
    files(one.cert, 'rubbish');
    expect(complaint(() => loadCertificate(certFile, keyFile))).toBe(`${keyFile} has no private key in PEM`);
    rmSync(keyFile);
    expect(complaint(() => loadCertificate(certFile, keyFile))).toBe(
      `cannot read ${keyFile}: no such file or directory`,
    );
  });

  test('is reported as expired or not yet valid by the clock', async () => {
    const leaf = parseLeaf(await testCertificate(), '');
    expect(validityProblem(leaf, Date.now())).toBeUndefined();
    expect(validityProblem(leaf, Date.parse(leaf.validTo) + 1)).toBe(`it has expired (${leaf.validTo})`);
    expect(validityProblem(leaf, Date.parse(leaf.validFrom) - 1)).toBe(
      `it is not valid before ${leaf.validFrom}`,
    );
  });
});

describe('the certificate that a relay creates for itself', () => {
  test('is stored for its owner alone, and loaded the next time', async () => {
    const within = join(dir, 'relay');
    const first = await loadOwnCertificate(within);
    expect([statSync(within).mode & 0o777, statSync(join(within, 'tls.pem')).mode & 0o777]).toStrictEqual([
      0o700, 0o600,
    ]);
    expect(readdirSync(within)).toStrictEqual(['tls.pem']);
    const again = await loadOwnCertificate(within);
    expect(computePin(parseLeaf(again, ''))).toBe(computePin(parseLeaf(first, '')));
    const { publicKey, ca } = parseLeaf(first, '');
    expect([publicKey.asymmetricKeyType, publicKey.asymmetricKeyDetails?.namedCurve, ca]).toStrictEqual([
      'ec',
      'prime256v1',
      false,
    ]);
  });

  test('is the same one when several processes create it at once', async () => {
    const script = `
      const { loadOwnCertificate } = await import(${JSON.stringify(new URL('../../../../dist/src/net/tls/certificate.js', import.meta.url).href)});
      process.stdout.write((await loadOwnCertificate(process.argv[1])).cert);`;
    const make = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dir], {
        env: { PATH: process.env['PATH'] },
      });
    const made = await Promise.all([make(), make(), make(), make()]);
    const pins = made.map(({ stdout }) => computePin(new X509Certificate(stdout)));
    expect(new Set(pins).size).toBe(1);
    expect(computePin(parseLeaf(await loadOwnCertificate(dir), ''))).toBe(pins[0]);
    expect(readdirSync(dir)).toStrictEqual(['tls.pem']);
  });

  test('is rejected when others can read it or it is damaged, and never replaced', async () => {
    const path = join(dir, 'tls.pem');
    await loadOwnCertificate(dir);
    chmodSync(path, 0o640);
    await expect(loadOwnCertificate(dir)).rejects.toThrow(
      new CertificateError(`others can read the key in ${path}: chmod 600 it, or replace it`),
    );
    chmodSync(path, 0o600);
    for (const damaged of [readFileSync(path, 'utf8').slice(0, 100), '']) {
      writeFileSync(path, damaged);
      await expect(loadOwnCertificate(dir)).rejects.toThrow(
        new CertificateError(`${path} has no certificate in PEM`),
      );
      expect(readFileSync(path, 'utf8')).toBe(damaged);
    }
  });

  test('is rejected when it cannot be stored', async () => {
    const path = join(dir, 'tls.pem');
    mkdirSync(path);
    await expect(loadOwnCertificate(dir)).rejects.toBeInstanceOf(CertificateError);
    writeFileSync(join(dir, 'file'), '');
    await expect(loadOwnCertificate(join(dir, 'file'))).rejects.toBeInstanceOf(CertificateError);
  });
});

/** Made with `openssl req -x509 -newkey ed25519 -nodes -subj /CN=pin`. openssl also computed its pin by RFC 7469. */
const FOREIGN = `-----BEGIN CERTIFICATE-----
MIIBMjCB5aADAgECAhQ+HEvwDJvLrD8Ghx+xEHG6u3hr2DAFBgMrZXAwDjEMMAoG
A1UEAwwDcGluMCAXDTI2MTEyNjEwNTU0MVoYDzIxMjYxMTAyMTA1NTQxWjAOMQww
CgYDVQQDDANwaW4wKjAFBgMrZXADIQCqUN+o/E+HOkKYRZeXfn7K3W0141qz2Ku1
/c3nhSJtOKNTMFEwHQYDVR0OBBYEFNSMgiCSpUc97IOxsNRdejTFtucdMB8GA1Ud
IwQYMBaAFNSMgiCSpUc97IOxsNRdejTFtucdMA8GA1UdEwEB/wQFMAMBAf8wBQYD
K2VwA0EA2SYxwz3N5DpDQVttrgxrHO8RP7LKyg1pcYbau0RAIABsYJrAOOZ4bxs2
8Sgwi/Qa3Rwz9TDwo6BlNUwyKQM3Aw==
-----END CERTIFICATE-----
`;
const FOREIGN_PIN = 'ptGZX5ETUwpCNW3zS577M3qnIV7bJl_RwTsKfCXqPQI';

describe('a pin', () => {
  test('equals the one that openssl computes of the public key', () => {
    expect(computePin(new X509Certificate(FOREIGN))).toBe(FOREIGN_PIN);
  });

  test('has 32 bytes in base64url', () => {
    expect(isPin(FOREIGN_PIN)).toBe(true);
    for (const wrong of ['', FOREIGN_PIN.slice(1), `${FOREIGN_PIN}A`, `${FOREIGN_PIN}=`, '+'.repeat(43)])
      expect(isPin(wrong)).toBe(false);
  });

  test('equals only itself', () => {
    expect(pinsEqual(FOREIGN_PIN, ` ${FOREIGN_PIN}`.slice(1))).toBe(true);
    for (let at = 0; at < FOREIGN_PIN.length; at += 1)
      expect(pinsEqual(FOREIGN_PIN, `${FOREIGN_PIN.slice(0, at)}*${FOREIGN_PIN.slice(at + 1)}`)).toBe(false);
    expect(pinsEqual(FOREIGN_PIN, '')).toBe(false);
  });
});
