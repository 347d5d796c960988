import { describe, expect, test } from '@jest/globals';
import { concatMap, from, map, of, toArray } from 'rxjs';
import { entries } from '../../streams/client/receive/entries.js';
import type { TokenEntry } from '../../streams/client/receive/entries.js';
import { open } from '../../streams/client/receive/open.js';
import type { Cipher, Token } from '../../streams/client/envelope/cipher.js';
import { formatGreeting, formatWelcome } from '../../streams/wire/handshake.js';
import { lines } from '../../streams/wire/lines.js';
import { nobleCipher } from '../../src/browser/nobleCipher.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import {
  engines,
  freshnessOf,
  fernetKeyOf,
  plaintextOf,
  secondsOf,
  describeOpened,
  vectors,
} from '../support/fernet.js';
import { LOBBY } from '../support/wire.js';
import { bytes, NONCE } from '../support/wire.js';

const [generate] = vectors('generate');
const [verify] = vectors('verify');
const invalid = vectors('invalid');

/** Why each is rejected. */
const REASONS: Readonly<Record<string, string>> = {
  'incorrect mac': 'wrong key or tampered',
  'too short': 'malformed',
  'invalid base64': 'malformed',
  'payload size not multiple of block size': 'malformed',
  'payload padding error': 'malformed',
  'far-future TS (unacceptable clock skew)': 'from the future',
  'expired TTL': 'expired',
  'incorrect IV (causes padding error)': 'malformed',
};

test('the vectors of the specification are all there', () => {
  expect(vectors('generate')).toHaveLength(1);
  expect(vectors('verify')).toHaveLength(1);
  expect(invalid.map(({ desc }) => desc)).toStrictEqual(Object.keys(REASONS));
});

describe('the official vectors, whole', () => {
  test.each([
    ['node:crypto', nodeCipher],
    ['noble', nobleCipher],
  ])('%s makes the token of the specification from the same IV', (_name, engine) => {
    const { iv, secret, src, now, token } = generate!;
    const cipher = engine({ iv: () => Uint8Array.from(iv) });
    expect(cipher.seal(fernetKeyOf(secret), plaintextOf(src), secondsOf(now))).toBe(token);
  });

  // The fernet package uses the *indices* of a given IV, so it cannot reproduce `generate`. It only has to open the
  // tokens of the others, and they its tokens.
  test.each(engines)('%s makes tokens that every engine opens', (_name, cipher) => {
    const { secret, src, now } = generate!;
    const token = cipher.seal(fernetKeyOf(secret), plaintextOf(src), secondsOf(now));
    const freshness = { now: secondsOf(now), ttl: 60 };
    for (const [, other] of engines)
      expect(describeOpened(other.open(fernetKeyOf(secret), token, freshness))).toBe(`text: ${src}`);
  });

  test.each(engines)('%s opens the valid ones', (_name, cipher) => {
    for (const { secret, token, src } of [generate!, verify!])
      expect(describeOpened(cipher.open(fernetKeyOf(secret), token))).toBe(`text: ${src}`);
    expect(
      describeOpened(cipher.open(fernetKeyOf(verify!.secret), verify!.token, freshnessOf(verify!))),
    ).toBe('text: hello');
  });

  describe.each(engines)('%s', (_name, cipher) => {
    test.each(invalid)('refuses: $desc', (vector) => {
      const { secret, token, desc } = vector;
      expect(describeOpened(cipher.open(fernetKeyOf(secret), token, freshnessOf(vector)))).toBe(
        REASONS[desc],
      );
    });
  });
});

/** Returns the events of a line that arrives byte by byte from a relay. */
const arriving = (token: Token, secret: string, cipher: Cipher): string[] => {
  const key = fernetKeyOf(secret);
  const relay = bytes(
    formatGreeting(NONCE),
    formatWelcome({
      log: 'log',
      next: 1,
      first: 1,
      from: 1,
      durability: 'memory',
      count: 1,
      members: undefined,
    }),
    token,
  );
  const seen: string[] = [];
  of(relay)
    .pipe(
      concatMap((all) => from(all).pipe(map((byte) => new Uint8Array([byte])))),
      lines(),
      entries(),
      concatMap((received) => (received.type === 'token' ? of<TokenEntry>(received) : [])),
      // The specification's texts are no envelopes. That result shows that they were decrypted.
      open<never>({ keyring$: of({ seal: key, open: [key] }), cipher, verify: () => false, room: LOBBY }),
      map((event) => (event.type === 'undecryptable' ? event.reason : event.type)),
      toArray(),
    )
    .subscribe({ next: (all) => seen.push(...all), error: (error: unknown) => seen.push(String(error)) });
  return seen;
};

describe.each(engines)('the official vectors, a line in pieces of one byte: %s', (_name, cipher) => {
  test('opens the valid ones', () => {
    for (const { secret, token } of [generate!, verify!])
      expect(arriving(token, secret, cipher)).toStrictEqual(['not an envelope']);
  });

  test.each(invalid)('treats as when whole: $desc', ({ desc, token, secret }) => {
    const neither = 'ProtocolError: the relay sent a line that is neither an entry nor a control';
    // History does not expire, so a token of another time is opened. A line without the beginning of a token is no
    // entry.
    const expected: Readonly<Record<string, string>> = {
      ...REASONS,
      'far-future TS (unacceptable clock skew)': 'not an envelope',
      'expired TTL': 'not an envelope',
      'invalid base64': neither,
    };
    expect(arriving(token, secret, cipher)).toStrictEqual([expected[desc]]);
  });
});
