import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createHpke } from '../../streams/client/group/hpke.js';
import { createKeySchedule } from '../../streams/client/group/keySchedule.js';
import { createLabelledCrypto } from '../../streams/client/group/labels.js';
import { flipBit, fromHex, hex, seededRandom, SUITES } from '../support/cryptoSuites.js';

type Texts<K extends string> = Readonly<Record<K, string>>;
interface Vectors {
  readonly deriveSecret: Texts<'label' | 'secret' | 'out'>;
  readonly expandWithLabel: Texts<'label' | 'secret' | 'context' | 'out'> & { readonly length: number };
  readonly signWithLabel: Texts<'label' | 'privateKey' | 'publicKey' | 'content' | 'signature'>;
  readonly encryptWithLabel: Texts<
    'label' | 'privateKey' | 'publicKey' | 'context' | 'plaintext' | 'kemOutput' | 'ciphertext'
  >;
  readonly keySchedule: Texts<'initSecret'> & {
    readonly epochs: readonly (Texts<
      | 'commitSecret'
      | 'groupContext'
      | 'initSecret'
      | 'exporterSecret'
      | 'epochAuthenticator'
      | 'externalSecret'
      | 'confirmationKey'
      | 'externalPublicKey'
    > & { readonly exported: Texts<'label' | 'context' | 'secret'> })[];
  };
}

const vectors = JSON.parse(
  readFileSync(new URL('mls.json', `file://${import.meta.dirname}/`), 'utf8'),
) as Vectors;
const PROTOCOL = 'MLS 1.0 ';

describe.each(SUITES)('with the labels of MLS and %s', (_name, createSuite) => {
  const suite = createSuite(seededRandom('mls'));
  const hpke = createHpke(suite);
  const labelled = createLabelledCrypto(suite, hpke, PROTOCOL);
  const keySchedule = createKeySchedule(suite, hpke, PROTOCOL);

  test('the derivation of secrets passes the vectors of MLS', () => {
    const { deriveSecret, expandWithLabel } = vectors;
    expect(hex(labelled.deriveSecret(fromHex(deriveSecret.secret), deriveSecret.label))).toBe(
      deriveSecret.out,
    );
    const { secret, label, context, length, out } = expandWithLabel;
    expect(hex(labelled.expandWithLabel(fromHex(secret), label, fromHex(context), length))).toBe(out);
  });

  test('exported secrets depend on label and context (RFC 9420, section 8.5)', () => {
    const exporterSecret = new Uint8Array(32).fill(8);
    const context = Uint8Array.of(1, 2);
    const exported = keySchedule.exportSecret(exporterSecret, 'a', context, 20);
    const secret = labelled.deriveSecret(exporterSecret, 'a');
    expect(exported).toStrictEqual(labelled.expandWithLabel(secret, 'exported', suite.sha256(context), 20));
    expect(exported).not.toStrictEqual(keySchedule.exportSecret(exporterSecret, 'b', context, 20));
    expect(exported).not.toStrictEqual(keySchedule.exportSecret(exporterSecret, 'a', Uint8Array.of(1), 20));
  });

  test('labelled signatures pass the vectors of MLS', () => {
    const { label, privateKey, publicKey, content, signature } = vectors.signWithLabel;
    const key = suite.ed25519.signingKey(fromHex(privateKey));
    expect(hex(key.publicKey)).toBe(publicKey);
    expect(hex(labelled.signWithLabel(key, label, fromHex(content)))).toBe(signature);
    const verify = (withLabel: string, bytes: Uint8Array): boolean =>
      labelled.verifyWithLabel(key.publicKey, withLabel, bytes, fromHex(signature));
    expect(verify(label, fromHex(content))).toBe(true);
    expect(verify('another', fromHex(content))).toBe(false);
    expect(verify(label, flipBit(fromHex(content), 0))).toBe(false);
  });

  test('labelled encryption passes the vectors of MLS', () => {
    const { label, privateKey, publicKey, context, plaintext, ...sealed } = vectors.encryptWithLabel;
    const pair = { privateKey: fromHex(privateKey), publicKey: fromHex(publicKey) };
    const opened = labelled.decryptWithLabel(pair, label, fromHex(context), {
      kemOutput: fromHex(sealed.kemOutput),
      ciphertext: fromHex(sealed.ciphertext),
    });
    expect(hex(opened!)).toBe(plaintext);
    const again = labelled.encryptWithLabel(pair.publicKey, label, fromHex(context), fromHex(plaintext))!;
    expect(hex(labelled.decryptWithLabel(pair, label, fromHex(context), again)!)).toBe(plaintext);
    expect(labelled.decryptWithLabel(pair, 'another', fromHex(context), again)).toBeUndefined();
    expect(labelled.decryptWithLabel(pair, label, Uint8Array.of(1), again)).toBeUndefined();
  });

  test('the key schedule passes the vectors of MLS', () => {
    let initSecret = fromHex(vectors.keySchedule.initSecret);
    for (const { commitSecret, groupContext, externalPublicKey, exported, ...expected } of vectors.keySchedule
      .epochs) {
      const epoch = keySchedule.deriveEpoch(initSecret, fromHex(commitSecret), fromHex(groupContext));
      expect(
        Object.fromEntries(Object.entries(epoch).map(([name, value]) => [name, hex(value as Uint8Array)])),
      ).toStrictEqual(expected);
      expect(hex(keySchedule.externalKeyPair(epoch.externalSecret).publicKey)).toBe(externalPublicKey);
      const { label, context, secret } = exported;
      expect(hex(keySchedule.exportSecret(epoch.exporterSecret, label, fromHex(context), 32))).toBe(secret);
      initSecret = epoch.initSecret;
    }
  });

  test('a newcomer and the members compute the same init secret', () => {
    const pair = keySchedule.externalKeyPair(new Uint8Array(32).fill(5));
    const { kemOutput, initSecret } = keySchedule.createExternalInit(pair.publicKey)!;
    expect(keySchedule.openExternalInit(pair, kemOutput)).toStrictEqual(initSecret);
    expect(keySchedule.openExternalInit(pair, flipBit(kemOutput, 0))).not.toStrictEqual(initSecret);
    expect(keySchedule.createExternalInit(new Uint8Array(32))).toBeUndefined();
    expect(keySchedule.openExternalInit(pair, new Uint8Array(32))).toBeUndefined();
  });
});
