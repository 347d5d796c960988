/** Creates rooms of rxchat and their joins, as docs/protocol.md defines them. */
import { Buffer } from 'node:buffer';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const makeRoom = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  // Not as `jwk`: with thousands of keys, Node 20 hung in that.
  const name = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url');
  return {
    /** Returns the client's answer to a nonce, with the channel binding of TLS if there is one. */
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
