import os from 'node:os';
import { woke } from '../streams/client/index.js';
import { showAccess } from './crypto/accessToken.js';
import { nodeCipher } from './crypto/nodeCipher.js';
import { randomBytes } from './crypto/random.js';
import { deriveRoomKeys } from './crypto/roomKeys.js';
import { sha256 } from './crypto/sha256.js';
import { createIdentity, signingKey } from './crypto/signingKey.js';
import { verifySignature } from './crypto/verifySignature.js';
import type { Platform } from './platform.js';
import { connectTo } from './transport/connect.js';

/** A clock in ms that nobody sets. Unlike `performance.now()` of Linux it goes on while the machine sleeps. */
const uptimeMs = (): number => {
  try {
    return os.uptime() * 1000;
  } catch {
    return performance.now();
  }
};

/** What Node has: `node:crypto`, TCP and TLS. */
export const nodePlatform: Platform = {
  cipher: nodeCipher,
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
  resume$: woke({ now: uptimeMs }),
};
