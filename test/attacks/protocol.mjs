/**
 * The protocol, written from docs/protocol.md with `node:crypto` alone. Nothing here imports the product, so that a
 * bug that both its parser and its formatter share is not hidden.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
} from 'node:crypto';
import { hkdfSync, randomBytes, sign, timingSafeEqual } from 'node:crypto';

const PLAINTEXT_LIMIT = 49_087;
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Returns the Ed25519 private key of a 32-byte seed (RFC 8032). */
const privateKeyOf = (seed) =>
  createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });

const publicKeyOf = (privateKey) => createPublicKey(privateKey).export({ format: 'jwk' }).x;

/** Returns random bytes in base64url. */
export const random64 = (bytes) => randomBytes(bytes).toString('base64url');

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** Returns what a client derives from a 32-byte secret: the room name, its Fernet key and its signing key. */
export const roomOf = (secret) => {
  const derive = (label) => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, 32));
  const signingKey = privateKeyOf(derive('rxchat/1 room signing key'));
  return { secret, name: publicKeyOf(signingKey), signingKey, fernetKey: derive('rxchat/1 room fernet key') };
};

/** Returns a new room with a random secret. */
export const newRoom = () => roomOf(randomBytes(32));

/** Returns the invite of a room at a relay on this machine. */
export const inviteOf = (room, port, host = '127.0.0.1') =>
  `rxchat://${host}:${port}/#${room.secret.toString('base64url')}`;

/** Returns the answer to the relay's `NICK`, over a connection without a channel binding. */
export const helloOf = ({ room, nonce, nick, session = random64(16), fields = '', breakProof = false }) => {
  const signed = ['rxchat/1 join', nonce, room.name, session, '', nick].join('\n');
  const proof = sign(null, Buffer.from(breakProof ? `${signed}!` : signed), room.signingKey);
  const more = fields === '' ? '' : ` ${fields}`;
  return `NICK ${nick} room=${room.name} session=${session} proof=${proof.toString('base64url')}${more}`;
};

/** Returns the Fernet token of a plaintext. */
export const tokenOf = (plaintext, { fernetKey }, timeMs = Date.now()) => {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(timeMs / 60_000) * 60));
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', fernetKey.subarray(16), iv);
  const body = Buffer.concat([Buffer.of(0x80), time, iv, cipher.update(plaintext), cipher.final()]);
  const mac = createHmac('sha256', fernetKey.subarray(0, 16)).update(body).digest();
  const text = Buffer.concat([body, mac]).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
};

/** Returns the plaintext of a token, or `undefined` if it does not open. */
export const openToken = (token, { fernetKey }) => {
  const bytes = Buffer.from(token, 'base64url');
  const mac = createHmac('sha256', fernetKey.subarray(0, 16)).update(bytes.subarray(0, -32)).digest();
  if (bytes.length < 73 || !timingSafeEqual(mac, bytes.subarray(-32))) return undefined;
  const decipher = createDecipheriv('aes-128-cbc', fernetKey.subarray(16), bytes.subarray(9, 25));
  return Buffer.concat([decipher.update(bytes.subarray(25, -32)), decipher.final()]);
};

/** Returns the envelope inside a token without verifying it, or `undefined` if there is no JSON. */
export const envelopeOf = (token, room) => {
  const plaintext = openToken(token, room);
  return plaintext === undefined ? undefined : JSON.parse(plaintext.toString());
};

/** A person: an Ed25519 key pair. */
export const newPerson = () => {
  const privateKey = privateKeyOf(randomBytes(32));
  return { privateKey, key: publicKeyOf(privateKey) };
};

/** A run of a client: it numbers and signs the envelopes of one person under one nick. */
export class Author {
  constructor(room, nick, person = newPerson()) {
    this.room = room;
    this.nick = nick;
    this.person = person;
    this.session = random64(16);
    this.counter = 0;
    this.stored = 0;
  }

  /** Returns a token with a signed envelope; `fields` replace or add to the fields of an honest sender. */
  seal(text, fields = {}) {
    this.counter += 1;
    const envelope = {
      kind: 'message',
      nick: this.nick,
      text,
      room: this.room.name,
      key: this.person.key,
      session: this.session,
      counter: this.counter,
      time: Date.now(),
      stored: this.stored,
      ...fields,
    };
    const body = Buffer.from(JSON.stringify(envelope).slice(0, -1));
    const signature = sign(
      null,
      Buffer.concat([Buffer.from('rxchat/1 message\n'), body]),
      this.person.privateKey,
    );
    const plaintext = Buffer.concat([
      body,
      Buffer.from(`,"signature":"${signature.toString('base64url')}"}`),
    ]);
    return tokenOf(padded(plaintext), this.room, envelope.time);
  }
}

/** Appends spaces up to the next size that the protocol names. */
const padded = (plaintext) => {
  const sizes = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, PLAINTEXT_LIMIT];
  const size = sizes.find((each) => each >= plaintext.length) ?? plaintext.length;
  return Buffer.concat([plaintext, Buffer.alloc(size - plaintext.length, ' ')]);
};

/** Returns whether a line of a log is an entry: a token or an announcement. */
export const isEntry = (line) => /^(gAAAA|\+|-)/.test(line);
