/** Rooms of rxchat and who joins them, as docs/protocol.md has it. */
import { Buffer } from 'node:buffer';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const makeRoom = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const name = publicKey.export({ format: 'jwk' }).x;
  return {
    /** The client's `NICK` line, in answer to the nonce; over TLS with the channel's binding. */
    hello: (nick, nonce, binding = '') => {
      const session = randomBytes(16).toString('base64url');
      const message = ['rxchat/1 join', nonce, name, session, binding, nick].join('\n');
      const proof = sign(null, Buffer.from(message), privateKey).toString('base64url');
      return `NICK ${nick} room=${name} session=${session} proof=${proof}`;
    },
  };
};

export const makeRooms = () => {
  const rooms = new Map();
  return (place) => {
    if (!rooms.has(place)) rooms.set(place, makeRoom());
    return rooms.get(place);
  };
};
