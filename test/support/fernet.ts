import { createCipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  asFernetKey,
  type Cipher,
  type FernetKey,
  type Plaintext,
  type TimeWindow,
  type Token,
} from '../../streams/client/envelope/cipher.js';
import { decodeText, encodeText } from '../../streams/wire/encoding.js';
import { nobleCipher } from '../../src/browser/nobleCipher.js';
import { nodeBase64url, nodeCipher, npmCipher } from '../../src/crypto/nodeCipher.js';
import { formatToken } from '../../src/crypto/fernet.js';

/** A vector of the specification (https://github.com/fernet/spec). */
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

export const fernetKeyOf = (secret: string): FernetKey =>
  asFernetKey(new Uint8Array(Buffer.from(secret, 'base64url')));
export const secondsOf = (time: string): number => Date.parse(time) / 1000;
export const freshnessOf = ({ now, ttl_sec: ttl }: Vector): TimeWindow => ({ now: secondsOf(now), ttl });

export const KEY: FernetKey = asFernetKey(new Uint8Array(32).map((_, at) => at * 7));
export const plaintextOf = (text: string): Plaintext => encodeText(text) as Plaintext;

/** Describes the result of opening: the text, or the reason for rejection. */
export const describeOpened = (result: ReturnType<Cipher['open']>): string =>
  typeof result === 'string' ? result : `text: ${decodeText(result) ?? 'not UTF-8'}`;

/** Creates a token from any parts with a valid HMAC: an invalid token that only someone with the key can create. */
export const forgeToken = ({
  version = 0x80,
  blocks,
  time = 0,
  iv = new Uint8Array(16).fill(9),
  key = KEY,
}: {
  version?: number;
  /** The encrypted bytes, including the padding. */
  blocks: Uint8Array;
  time?: number;
  iv?: Uint8Array;
  key?: FernetKey;
}): Token => {
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv).setAutoPadding(false);
  const header = Buffer.alloc(9, version);
  header.writeBigUInt64BE(BigInt(time), 1);
  const signed = Buffer.concat([header, iv, cipher.update(blocks), cipher.final()]);
  const hmac = createHmac('sha256', key.subarray(0, 16)).update(signed).digest();
  return formatToken(Buffer.concat([signed, hmac]), nodeBase64url) as Token;
};
