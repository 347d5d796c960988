import { defer, type Observable, throwError } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import { randomBytes } from '../crypto/random.js';
import type { Invite } from '../invite/invite.js';
import type { Platform } from '../platform.js';
import { connectWebSocket, webSocketUrl } from '../transport/webSocketClient.js';
import type { WebSocketLike } from '../transport/webSocketConnection.js';
import { browserResume } from './browserResume.js';
import { deriveRoomKeys, sha256, showAccess } from './keys.js';
import { nobleCipher } from './nobleCipher.js';
import { createIdentity, signingKey } from './signingKey.js';
import { verifySignature } from './verifySignature.js';

/** Every browser has it, and so has Node from 22 on; the types of older ones do not. */
const platformSocket = (url: string): WebSocketLike =>
  new (globalThis as unknown as { readonly WebSocket: new (url: string) => WebSocketLike }).WebSocket(url);

/**
 * The way from a browser to the relay of a page's link (`https://…`): its own WebSocket. A relay's `rxchat://` invite names
 * an ear that no browser can reach, and is a `LinkError`.
 */
export const connectTo = (invite: Invite): Observable<Connection> =>
  invite.web === undefined
    ? throwError(
        () =>
          new LinkError(
            'a browser reaches a relay where its page is: an https:// link, and no rxchat:// one',
          ),
      )
    : defer(() =>
        connectWebSocket(webSocketUrl(invite.web ?? 'https', formatAddress(invite)), {
          open: platformSocket,
        }),
      );

/** What a room needs, of a browser; by JavaScript alone, so that it is synchronous and works in every context. */
export const browserPlatform: Platform = {
  cipher: nobleCipher,
  deriveRoomKeys,
  createIdentity,
  signingKey,
  verify: verifySignature,
  hash: sha256,
  showAccess,
  randomBytes,
  connect: connectTo,
  random: () => Math.random(),
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  resume$: browserResume(globalThis),
};
