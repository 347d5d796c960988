import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeText, fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { nodeSuite } from '../crypto/nodeSuite.js';
import { makeDirectory, syncDirectory, writeFileAtomic } from '../files/writeFile.js';
import {
  createPrivateFile,
  IdentityError,
  readPrivateFile,
  toIdentityError,
} from '../identity/privateFile.js';
import { isPin } from '../util/address.js';

/** What was found on disk. After `damaged` the device joins the group again, in its own place. */
export type LoadedState =
  | { readonly kind: 'loaded'; readonly state: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** The state of one group room on disk, encrypted with the key of this device. */
export interface StateFile {
  readonly path: string;
  /** Loads and decrypts the state. Throws `IdentityError` if the file is open to others, not yours or unreadable. */
  readonly load: () => LoadedState;
  /**
   * Replaces the state, and returns once it is on disk. A crash at any moment leaves the old state or the new one.
   *
   * Throws `IdentityError` (`unwritable`) if it is not on disk, and a `RangeError` for more than `MAX_STATE_BYTES`.
   */
  readonly save: (state: Uint8Array) => void;
}

export interface StateFileOptions {
  /** The directory of state files. It is created at the first `save`. */
  readonly dir: string;
  /** SHA-256 of the group id in base64url, as in the invite. A state is valid for this group only. */
  readonly group: string;
  /** The key of `loadDeviceKey`. */
  readonly deviceKey: Uint8Array;
}

/** Throws a `TypeError` if a text is not a SHA-256 in base64url. It becomes the name of a file. */
export const checkGroup = (group: string): void => {
  if (!isPin(group)) throw new TypeError('the group of an invite is a SHA-256 in base64url');
};

/** Whether a state of a group is stored. Needs no key, and does not check the state. */
export const hasState = (options: Pick<StateFileOptions, 'dir' | 'group'>): boolean =>
  existsSync(statePath(options));

const statePath = ({ dir, group }: Pick<StateFileOptions, 'dir' | 'group'>): string => {
  checkGroup(group);
  return join(dir, `${group}.state`);
};

/** The maximum size of a state in bytes: 300 members with four ratchets each take less than a tenth. */
export const MAX_STATE_BYTES = 4_194_304;

const HEADER = 'rxchat group state 1\n';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const { aead, hkdfExpand, hkdfExtract, randomBytes } = nodeSuite();

/**
 * Loads the key that encrypts the states of this device, or creates it.
 *
 * It protects states that are copied or backed up without the key. It does not protect against a program that can read this
 * account's files. Throws `IdentityError`; never replaces a file.
 *
 * @param dir the data directory.
 */
export const loadDeviceKey = (dir: string): Uint8Array => {
  const path = join(dir, 'device.key');
  if (readPrivateFile(path) === undefined)
    createPrivateFile(path, `${toBase64url(randomBytes(KEY_BYTES))}\n`);
  // Several processes may create it; the file decides.
  const key = fromBase64url((readPrivateFile(path) ?? '').trimEnd());
  if (key?.length !== KEY_BYTES)
    throw new IdentityError(
      'damaged',
      `the device key in ${path} is damaged, or was not created by rxchat`,
      'restore a backup, or move it away; the device then joins its group rooms again',
    );
  return key;
};

/**
 * Keeps the state of a group room in one file, written as a whole, with mode 0600.
 *
 * The state is encrypted (ChaCha20-Poly1305, RFC 8439) with a key derived from the device key and `group` (HKDF,
 * RFC 5869). A state of another group or device is `damaged`. An older state of the same group cannot be recognised
 * here; the log of the room shows it.
 */
export const stateFile = ({ dir, group, deviceKey }: StateFileOptions): StateFile => {
  const path = statePath({ dir, group });
  const header = encodeText(HEADER);
  const key = hkdfExpand(
    hkdfExtract(encodeText(group), deviceKey),
    encodeText('rxchat/2 state file'),
    KEY_BYTES,
  );

  return {
    path,
    load: () => {
      const text = readPrivateFile(path);
      if (text === undefined) return { kind: 'missing' };
      if (!text.startsWith(HEADER)) return { kind: 'damaged' };
      const bytes = Buffer.from(text.slice(HEADER.length), 'base64url');
      if (bytes.length < NONCE_BYTES) return { kind: 'damaged' };
      const state = aead.open(key, bytes.subarray(0, NONCE_BYTES), header, bytes.subarray(NONCE_BYTES));
      return state === undefined ? { kind: 'damaged' } : { kind: 'loaded', state };
    },
    save: (state) => {
      if (state.length > MAX_STATE_BYTES)
        throw new RangeError(`a state of ${state.length} bytes is over the limit of ${MAX_STATE_BYTES}`);
      // Random: two processes of the device share the key. After 2^32 saves the chance of a repeated nonce is 2^-33.
      const nonce = randomBytes(NONCE_BYTES);
      const sealed = aead.seal(key, nonce, header, state);
      try {
        makeDirectory(dir);
        writeFileAtomic(path, `${HEADER}${Buffer.concat([nonce, sealed]).toString('base64url')}\n`);
        syncDirectory(dir);
      } catch (error) {
        throw toIdentityError(error, 'unwritable', `cannot write ${path}`);
      }
    },
  };
};
