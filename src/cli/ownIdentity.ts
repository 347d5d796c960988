import type { Identity } from '../../streams/client/index.js';
import { createIdentity } from '../crypto/signingKey.js';
import { IdentityError } from '../identity/errors.js';
import { openIdentity } from '../identity/identity.js';
import { note } from './exit.js';

/**
 * The identity in a directory, or one for this run if the directory cannot be written, which is noted. Throws
 * `IdentityError`: an identity that is damaged or open to others is never passed over.
 */
export const ownIdentity = (dir: string): Identity => {
  try {
    return openIdentity(dir);
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'unwritable') throw error;
    note(`${error.message}; you have a key for this run alone, and others meet you as somebody new`);
    if (error.hint !== undefined) note(`hint: ${error.hint}`);
    return createIdentity();
  }
};
