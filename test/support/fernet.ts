import { createCipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cipher, Freshness, Plaintext, Token } from '../../streams/client/cipher.js';
import { asFernetKey, type FernetKey } from '../../streams/client/keyring.js';
import { decodeText, encodeText } from '../../streams/wire/utf8.js';
import { nobleCipher } from '../../src/browser/nobleCipher.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { npmCipher } from '../../src/crypto/npmCipher.js';
import { tokenHead, writeToken } from '../../src/crypto/tokenShape.js';

/** One vector of the specification (https://github.com/fernet/spec). */
interface Vector {
  readonly desc: string;
  readonly token: Token;
  readonly now: string;
  readonly ttl_sec: number;
  readonly iv: readonly number[];
  readonly src: string;
  readonly secret: string;
}

export const vectors = (name: 'generate' | 'verify' | 'invalid'): Vector[] =>
  JSON.parse(readFileSync(new URL(`../vectors/fernet-${name}.json`, import.meta.url), 'utf8')) as Vector[];

export const engines: readonly (readonly [string, Cipher])[] = [
  ['node:crypto', nodeCipher()],
  ['the fernet package', await npmCipher()],
  ['noble', nobleCipher()],
];

export const keyOf = (secret: string): FernetKey =>
  asFernetKey(new Uint8Array(Buffer.from(secret, 'base64url')));
export const secondsOf = (time: string): number => Date.parse(time) / 1000;
export const freshnessOf = ({ now, ttl_sec: ttl }: Vector): Freshness => ({ now: secondsOf(now), ttl });

export const KEY: FernetKey = asFernetKey(new Uint8Array(32).map((_, at) => at * 7));
export const plain = (text: string): Plaintext => encodeText(text) as Plaintext;

/** What came of opening: the text, or why there is none. */
export const told = (result: ReturnType<Cipher['open']>): string =>
  typeof result === 'string' ? result : `text: ${decodeText(result) ?? 'not UTF-8'}`;

/** A token from any parts, its HMAC right: what only who has the key can make wrong. */
export const craft = ({
  version = 0x80,
  blocks,
  time = 0,
  iv = new Uint8Array(16).fill(9),
  key = KEY,
}: {
  version?: number;
  /** What is encrypted, padding and all. */
  blocks: Uint8Array;
  time?: number;
  iv?: Uint8Array;
  key?: FernetKey;
}): Token => {
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv).setAutoPadding(false);
  const signed = Buffer.concat([tokenHead(time, iv), cipher.update(blocks), cipher.final()]);
  signed[0] = version;
  const hmac = createHmac('sha256', key.subarray(0, 16)).update(signed).digest();
  return writeToken(Buffer.concat([signed, hmac])) as Token;
};
