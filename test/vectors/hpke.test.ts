import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createHpke } from '../../streams/client/group/hpke.js';
import {
  flipBit,
  fromHex,
  hex,
  seededRandom,
  SMALL_ORDER_X25519_KEYS,
  SUITES,
} from '../support/cryptoSuites.js';

interface Vectors {
  readonly info: string;
  readonly ikmE: string;
  readonly pkEm: string;
  readonly skEm: string;
  readonly ikmR: string;
  readonly pkRm: string;
  readonly skRm: string;
  readonly enc: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly exporter_secret: string;
  readonly pt: string;
  readonly encryptions: readonly { readonly sequence: number; readonly aad: string; readonly ct: string }[];
  readonly exports: readonly { readonly context: string; readonly value: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('hpke.json', `file://${import.meta.dirname}/`), 'utf8'),
) as Vectors;
const info = fromHex(vectors.info);
const receiver = { privateKey: fromHex(vectors.skRm), publicKey: fromHex(vectors.pkRm) };

describe.each(SUITES)('HPKE of RFC 9180 with %s', (_name, createSuite) => {
  const hpke = createHpke(createSuite(() => fromHex(vectors.ikmE)));

  test('derives key pairs', () => {
    const ephemeral = hpke.deriveKeyPair(fromHex(vectors.ikmE));
    expect(hex(ephemeral.privateKey)).toBe(vectors.skEm);
    expect(hex(ephemeral.publicKey)).toBe(vectors.pkEm);
    const pair = hpke.deriveKeyPair(fromHex(vectors.ikmR));
    expect(hex(pair.privateKey)).toBe(vectors.skRm);
    expect(hex(pair.publicKey)).toBe(vectors.pkRm);
  });

  test('sets up the same context for sender and receiver', () => {
    const sender = hpke.setupSender(receiver.publicKey, info)!;
    expect(hex(sender.kemOutput)).toBe(vectors.enc);
    for (const context of [sender.context, hpke.setupReceiver(fromHex(vectors.enc), receiver, info)!]) {
      expect(hex(context.key)).toBe(vectors.key);
      expect(hex(context.baseNonce)).toBe(vectors.base_nonce);
      expect(hex(context.exporterSecret)).toBe(vectors.exporter_secret);
    }
  });

  test.each(vectors.encryptions)('encrypts and decrypts number $sequence', ({ sequence, aad, ct }) => {
    const { context } = hpke.setupSender(receiver.publicKey, info)!;
    const sealed = hpke.seal(context, sequence, fromHex(aad), fromHex(vectors.pt));
    expect(hex(sealed)).toBe(ct);
    const received = hpke.setupReceiver(fromHex(vectors.enc), receiver, info)!;
    expect(hex(hpke.open(received, sequence, fromHex(aad), sealed)!)).toBe(vectors.pt);
    expect(hpke.open(received, sequence + 1, fromHex(aad), sealed)).toBeUndefined();
    for (const at of sealed.keys())
      expect(hpke.open(received, sequence, fromHex(aad), flipBit(sealed, at))).toBeUndefined();
    expect(hpke.open(received, sequence, fromHex(aad), sealed.subarray(0, 15))).toBeUndefined();
  });

  test.each(vectors.exports)('exports a secret for the context "$context"', ({ context, value }) => {
    const sender = hpke.setupSender(receiver.publicKey, info)!;
    expect(hex(hpke.exportSecret(sender.context, fromHex(context), 32))).toBe(value);
  });

  test.each(SMALL_ORDER_X25519_KEYS)('rejects the key %s of small order', (key) => {
    expect(hpke.setupSender(fromHex(key), info)).toBeUndefined();
    expect(hpke.setupReceiver(fromHex(key), receiver, info)).toBeUndefined();
  });

  test('uses a new ephemeral key for each context', () => {
    const random = createHpke(createSuite(seededRandom('hpke')));
    const [one, other] = [1, 2].map(() => random.setupSender(receiver.publicKey, info)!);
    expect(hex(one!.kemOutput)).not.toBe(hex(other!.kemOutput));
    expect(hex(one!.context.key)).not.toBe(hex(other!.context.key));
  });
});
