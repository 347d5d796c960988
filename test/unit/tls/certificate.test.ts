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
import { CertificateError, leafOf, problemAt, readCertificate } from '../../../src/tls/certificate.js';
import { ownCertificate } from '../../../src/tls/ownCertificate.js';
import { isPin } from '../../../src/invite/pin.js';
import { isSamePin, pinOf } from '../../../src/tls/pin.js';
import { newCertificate, testCertificate } from '../../support/certificates.js';

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

describe('a certificate of files', () => {
  test('is what they hold', async () => {
    const { cert, key } = await testCertificate();
    expect(readCertificate(...files(cert, key))).toStrictEqual({ cert, key });
  });

  test('is refused where they do not belong together, or are none, in words and without the key', async () => {
    const [one, other] = [await testCertificate(), await newCertificate()];
    const [certFile, keyFile] = files(one.cert, other.key);
    expect(complaint(() => readCertificate(certFile, keyFile))).toBe(
      `the key in ${keyFile} is not that of the certificate in ${certFile}`,
    );
    files('rubbish', one.key);
    expect(complaint(() => readCertificate(certFile, keyFile))).toBe(`${certFile} has no certificate in PEM`);
    files(one.cert, 'rubbish');
    expect(complaint(() => readCertificate(certFile, keyFile))).toBe(`${keyFile} has no private key in PEM`);
    rmSync(keyFile);
    expect(complaint(() => readCertificate(certFile, keyFile))).toBe(
      `cannot read ${keyFile}: no such file or directory`,
    );
  });

  test('is told to be too old or too new by the clock', async () => {
    const leaf = leafOf(await testCertificate(), '');
    expect(problemAt(leaf, Date.now())).toBeUndefined();
    expect(problemAt(leaf, Date.parse(leaf.validTo) + 1)).toBe(`it has expired (${leaf.validTo})`);
    expect(problemAt(leaf, Date.parse(leaf.validFrom) - 1)).toBe(`it is not valid before ${leaf.validFrom}`);
  });
});

describe('the certificate that a relay makes for itself', () => {
  test('is kept for its owner alone, and is the same the next time', async () => {
    const within = join(dir, 'relay');
    const first = await ownCertificate(within);
    expect([statSync(within).mode & 0o777, statSync(join(within, 'tls.pem')).mode & 0o777]).toStrictEqual([
      0o700, 0o600,
    ]);
    expect(readdirSync(within)).toStrictEqual(['tls.pem']);
    const again = await ownCertificate(within);
    expect(pinOf(leafOf(again, ''))).toBe(pinOf(leafOf(first, '')));
    const { publicKey, ca } = leafOf(first, '');
    expect([publicKey.asymmetricKeyType, publicKey.asymmetricKeyDetails?.namedCurve, ca]).toStrictEqual([
      'ec',
      'prime256v1',
      false,
    ]);
  });

  test('is one even where several processes make it at once', async () => {
    const script = `
      const { ownCertificate } = await import(${JSON.stringify(new URL('../../../dist/src/tls/ownCertificate.js', import.meta.url).href)});
      process.stdout.write((await ownCertificate(process.argv[1])).cert);`;
    const make = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dir], {
        env: { PATH: process.env['PATH'] },
      });
    const made = await Promise.all([make(), make(), make(), make()]);
    const pins = made.map(({ stdout }) => pinOf(new X509Certificate(stdout)));
    expect(new Set(pins).size).toBe(1);
    expect(pinOf(leafOf(await ownCertificate(dir), ''))).toBe(pins[0]);
    expect(readdirSync(dir)).toStrictEqual(['tls.pem']);
  });

  test('is refused where others can read it, or it is damaged; and never made anew', async () => {
    const path = join(dir, 'tls.pem');
    await ownCertificate(dir);
    chmodSync(path, 0o640);
    await expect(ownCertificate(dir)).rejects.toThrow(
      new CertificateError(`others can read the key in ${path}: chmod 600 it, or replace it`),
    );
    chmodSync(path, 0o600);
    for (const damaged of [readFileSync(path, 'utf8').slice(0, 100), '']) {
      writeFileSync(path, damaged);
      await expect(ownCertificate(dir)).rejects.toThrow(
        new CertificateError(`${path} has no certificate in PEM`),
      );
      expect(readFileSync(path, 'utf8')).toBe(damaged);
    }
  });

  test('is refused where it cannot be kept', async () => {
    const path = join(dir, 'tls.pem');
    mkdirSync(path);
    await expect(ownCertificate(dir)).rejects.toBeInstanceOf(CertificateError);
    writeFileSync(join(dir, 'file'), '');
    await expect(ownCertificate(join(dir, 'file'))).rejects.toBeInstanceOf(CertificateError);
  });
});

/** Made with `openssl req -x509 -newkey ed25519 -nodes -subj /CN=pin`, its pin as RFC 7469 computes it, by openssl too. */
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
  test('is what openssl makes of the public key', () => {
    expect(pinOf(new X509Certificate(FOREIGN))).toBe(FOREIGN_PIN);
  });

  test('is 32 bytes in base64url', () => {
    expect(isPin(FOREIGN_PIN)).toBe(true);
    for (const wrong of ['', FOREIGN_PIN.slice(1), `${FOREIGN_PIN}A`, `${FOREIGN_PIN}=`, '+'.repeat(43)])
      expect(isPin(wrong)).toBe(false);
  });

  test('is the same as itself and no other', () => {
    expect(isSamePin(FOREIGN_PIN, ` ${FOREIGN_PIN}`.slice(1))).toBe(true);
    for (let at = 0; at < FOREIGN_PIN.length; at += 1)
      expect(isSamePin(FOREIGN_PIN, `${FOREIGN_PIN.slice(0, at)}*${FOREIGN_PIN.slice(at + 1)}`)).toBe(false);
    expect(isSamePin(FOREIGN_PIN, '')).toBe(false);
  });
});
