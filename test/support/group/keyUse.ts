import type { Cipher, FernetKey } from '../../../streams/client/envelope/cipher.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { decodeTextLossy, toBase64url } from '../../../streams/wire/encoding.js';

/** Watches which message keys the clients of a group room use. */
export interface KeyUse {
  /** Seals as the given cipher, and remembers the message key inside of each token. */
  readonly cipher: Cipher;
  /** Declares a key of a room's tokens. Each other key seals one message. */
  readonly addOuterKey: (key: Uint8Array) => void;
  /** Notes the tokens that are written to a connection. */
  readonly watch: (connection: Connection) => Connection;
  /** The message keys of more than one written token. A token that was never written harms nobody. */
  readonly reusedKeys: readonly string[];
}

export const watchKeyUse = (fernet: Cipher): KeyUse => {
  const outerKeys = new Set<string>();
  /** By their tokens, the keys of the messages inside. */
  const messageKeys = new Map<string, string>();
  const writtenTokens = new Map<string, string>();
  const reusedKeys: string[] = [];
  let innerKey: string | undefined;

  const noteInner = (key: FernetKey): boolean => {
    const name = toBase64url(key);
    if (outerKeys.has(name)) return false;
    innerKey = name;
    return true;
  };
  return {
    cipher: {
      ...fernet,
      seal: (key, ...rest) => {
        const token = fernet.seal(key, ...rest);
        if (noteInner(key)) return token;
        if (innerKey !== undefined) messageKeys.set(token, innerKey);
        innerKey = undefined;
        return token;
      },
      ...(fernet.sealBytes && {
        sealBytes: (key, ...rest) => {
          noteInner(key);
          return fernet.sealBytes!(key, ...rest);
        },
      }),
    },
    addOuterKey: (key) => {
      outerKeys.add(toBase64url(key));
    },
    watch: (connection) => ({
      ...connection,
      write: (bytes) => {
        for (const line of decodeTextLossy(bytes).split('\n')) {
          const key = messageKeys.get(line);
          if (key === undefined) continue;
          const other = writtenTokens.get(key) ?? line;
          if (other !== line) reusedKeys.push(key);
          writtenTokens.set(key, line);
        }
        return connection.write(bytes);
      },
    }),
    reusedKeys,
  };
};
