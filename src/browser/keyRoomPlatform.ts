import { defer, filter, fromEvent, merge, NEVER, type Observable, throwError } from 'rxjs';
import { detectWake } from '../../streams/client/index.js';
import { type Connection, ConnectionError } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';
import type { Invite } from '../invite/invite.js';
import { connectWebSocket, webSocketUrl } from '../net/websocket/webSocketClient.js';
import type { WebSocketLike } from '../net/websocket/webSocketConnection.js';
import type { Platform } from '../platform/platform.js';
import { formatAddress } from '../util/address.js';
import { nobleCipher } from './nobleCipher.js';
import {
  createIdentity,
  deriveRoomKeys,
  proveAccess,
  sha256,
  signingKey,
  verifySignature,
} from './nobleKeys.js';

/** Emits the events of a target with this name. A target without events emits nothing. */
const fromTarget = (target: unknown, name: string): Observable<unknown> =>
  typeof target === 'object' &&
  target !== null &&
  'addEventListener' in target &&
  typeof target.addEventListener === 'function'
    ? fromEvent(target as EventTarget, name)
    : NEVER;

/**
 * Emits when connections may be dead or a relay may be reachable again. Triggers are `online`, `pageshow`,
 * `resume`, a visible page after `visibilitychange`, and a late timer.
 *
 * A late timer alone is weak evidence, since browsers delay the timers of hidden tabs by up to a minute. The
 * time of day is used because `performance.now()` stops in some browsers while the machine sleeps. Setting the
 * clock costs one `PING`.
 */
export const detectResume = (target: object): Observable<unknown> => {
  const document = 'document' in target ? target.document : undefined;
  return merge(
    fromTarget(target, 'online'),
    fromTarget(target, 'pageshow').pipe(filter(isFromPageCache)),
    fromTarget(document, 'resume'),
    fromTarget(document, 'visibilitychange').pipe(filter(() => !isHidden(document))),
    detectWake({ now: () => Date.now() }),
  );
};

/** Whether the page was restored from the back/forward cache. */
const isFromPageCache = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'persisted' in event && event.persisted === true;

const isHidden = (document: unknown): boolean =>
  typeof document === 'object' && document !== null && 'hidden' in document && document.hidden === true;

/** All browsers and Node 22 and later have a WebSocket; the types of older Node versions do not. */
const openWebSocket = (url: string): WebSocketLike =>
  new (globalThis as unknown as { readonly WebSocket: new (url: string) => WebSocketLike }).WebSocket(url);

/**
 * Connects to the relay of a page link (`https://…`) with the WebSocket of the browser. Errors with
 * `ConnectionError` for an `rxchat://` invite, since a browser cannot open its TCP connection.
 */
export const connectTo = (invite: Invite): Observable<Connection> =>
  invite.web === undefined
    ? throwError(
        () => new ConnectionError('a browser needs the https:// link of the page, not an rxchat:// invite'),
      )
    : defer(() =>
        connectWebSocket(webSocketUrl(invite.web ?? 'https', formatAddress(invite)), {
          open: openWebSocket,
        }),
      );

/** A platform without the primitives of group rooms. */
export type KeyRoomPlatform = Omit<Platform, 'suite'>;

/** What rooms with one key need of a browser. A page can load the primitives of group rooms when it needs them. */
export const keyRoomPlatform: KeyRoomPlatform = {
  cipher: nobleCipher,
  deriveRoomKeys,
  createIdentity,
  signingKey,
  verify: verifySignature,
  hash: sha256,
  proveAccess,
  randomBytes,
  connect: connectTo,
  random: () => Math.random(),
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  resume$: detectResume(globalThis),
};
