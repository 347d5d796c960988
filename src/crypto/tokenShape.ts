/** The parts of a Fernet token (https://github.com/fernet/spec/blob/master/Spec.md). */
export interface TokenParts {
  /** All that the HMAC covers. */
  readonly signed: Buffer;
  /** Seconds since 1970. */
  readonly time: number;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly hmac: Buffer;
}

const VERSION = 0x80;
const HEAD = 1 + 8 + 16;
const BLOCK = 16;
const HMAC = 32;

/**
 * Takes a token apart, strictly: canonical, padded base64url, version 0x80, a whole number of blocks and at least one.
 * `undefined` where it is anything else. Nothing here is verified yet.
 */
export const readToken = (token: string): TokenParts | undefined => {
  if (token.length % 4 !== 0 || !/^[\w-]+={0,2}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  // Two texts of one token would be two lines with one meaning.
  if (writeToken(bytes) !== token) return undefined;
  const blocks = (bytes.length - HEAD - HMAC) / BLOCK;
  if (bytes[0] !== VERSION || blocks < 1 || !Number.isInteger(blocks)) return undefined;
  return {
    signed: bytes.subarray(0, -HMAC),
    time: Number(bytes.readBigUInt64BE(1)),
    iv: bytes.subarray(9, HEAD),
    ciphertext: bytes.subarray(HEAD, -HMAC),
    hmac: bytes.subarray(-HMAC),
  };
};

/** What comes before the ciphertext: version, time and IV. */
export const tokenHead = (time: number, iv: Uint8Array): Buffer => {
  const head = Buffer.alloc(HEAD);
  head[0] = VERSION;
  head.writeBigUInt64BE(BigInt(time), 1);
  head.set(iv, 9);
  return head;
};

/** Bytes as the specification wants a token: base64url with its padding. */
export const writeToken = (bytes: Buffer): string =>
  bytes.toString('base64url') + '='.repeat((3 - (bytes.length % 3)) % 3);
