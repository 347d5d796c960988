import { defer, type Observable } from 'rxjs';
import type { SnapshotOrder } from '../../streams/client/index.js';
import {
  concatBytes,
  formatList,
  formatOptional,
  lengthPrefixed,
  parseBytes,
  u32,
  u64,
  u8,
} from '../../streams/client/group/bytes.js';
import { makeDirectory, removeIncompleteFiles } from '../files/writeFile.js';
import { toIdentityError } from '../identity/privateFile.js';
import { InviteError, type Invite } from '../invite/invite.js';
import { whileLocked } from './lockedSection.js';
import { stateFile } from './stateFile.js';

/** What is stored of a group room. */
export interface StoredGroup {
  /** The latest snapshot of any process of the device, and its order. */
  readonly snapshot: Uint8Array;
  readonly order: SnapshotOrder;
  /** What each slot stored for itself in the epoch of the snapshot, by its number. */
  readonly slotRecords: ReadonlyMap<number, Uint8Array>;
  /** How long, in ms, this device can read again what it has read. `undefined` if nobody chose it. */
  readonly forgetMs: number | undefined;
}

/** What was found on disk. After `damaged` the device joins the group again, in its own place. */
export type LoadedGroup =
  ({ readonly kind: 'loaded' } & StoredGroup) | { readonly kind: 'missing' } | { readonly kind: 'damaged' };

/** The snapshot of one group room on disk, which all processes of the device share. */
export interface GroupStore {
  readonly path: string;
  /** Loads what is stored. Throws `IdentityError` if the file is open to others, not yours or unreadable. */
  readonly load: () => LoadedGroup;
  /**
   * Stores a snapshot and the record of this slot, and completes once a crash cannot lose them. A crash at any moment
   * leaves everything of before or everything of after.
   *
   * A snapshot that is older than the stored one does not replace it. The record of the slot is stored all the same,
   * unless the stored snapshot has a later epoch: it ends the keys that records are about, so it drops all records. It has
   * the commits of the device itself that other processes may still have to read.
   * Without a record the slot keeps the one that it has in this epoch. Errors with `IdentityError` (`unwritable`) if they are not
   * stored, and with a `RangeError` if they are larger than a state file.
   */
  readonly save: (snapshot: Uint8Array, order: SnapshotOrder, slotRecord?: Uint8Array) => Observable<never>;
  /**
   * Stores `forgetMs` with a snapshot that is stored already, and completes. Otherwise the first `save` stores it. Errors
   * as `save`.
   */
  readonly saveForgetMs: () => Observable<never>;
}

/** Where the group rooms of a device are, and the key that encrypts them. */
export interface GroupPaths {
  /** The directory of state files, which is used for nothing else. It is created at the first `save`. */
  readonly dir: string;
  /** The key of `loadDeviceKey`. */
  readonly deviceKey: Uint8Array;
}

export interface GroupStoreOptions extends GroupPaths {
  /** SHA-256 of the group id in base64url, as in the invite. */
  readonly group: string;
  /** The slot of this process, as claimed by `claimSlot`. */
  readonly slot: number;
  /** Replaces the stored setting, once. By default it stays, also if another process changes it later. */
  readonly forgetMs?: number | undefined;
}

const SAVE_LOCK = 'save.sock';

/**
 * Opens the store of a group room.
 *
 * One process saves at a time, and reads the stored snapshot before it replaces it. So a process that is behind another
 * one cannot undo what that one stored.
 */
export const openGroupStore = ({ slot, forgetMs, ...options }: GroupStoreOptions): GroupStore => {
  const file = stateFile(options);
  const { dir } = options;
  let unsavedForgetMs = forgetMs;

  const load = (): LoadedGroup => {
    const loaded = file.load();
    if (loaded.kind !== 'loaded') return loaded;
    const stored = parseStoredGroup(loaded.state);
    return stored === undefined ? { kind: 'damaged' } : { kind: 'loaded', ...stored };
  };

  /** Saves what a function returns for what is stored, unless it returns `undefined`. Sets the new setting. */
  const update = (change: (before: StoredGroup | undefined) => StoredGroup | undefined): Observable<never> =>
    defer(() => {
      const failure = `cannot write ${file.path}`;
      unwritable(failure, () => makeDirectory(dir));
      return whileLocked(dir, SAVE_LOCK, () => {
        unwritable(failure, () => {
          // Only a process that was killed leaves such a file while another one has the lock.
          removeIncompleteFiles(dir);
          const loaded = load();
          const before = loaded.kind === 'loaded' ? loaded : undefined;
          const setting = unsavedForgetMs ?? before?.forgetMs;
          const changed = change(before) ?? (setting === before?.forgetMs ? undefined : before);
          if (changed === undefined) return;
          file.save(formatStoredGroup({ ...changed, forgetMs: setting }));
          unsavedForgetMs = undefined;
        });
      });
    });

  return {
    path: file.path,
    load,
    save: (snapshot, order, slotRecord) =>
      update((before) => {
        const isLatest = before === undefined || !isBefore(order, before.order);
        if (!isLatest && (slotRecord === undefined || order.epoch < before.order.epoch)) return undefined;
        const slotRecords = new Map(before?.order.epoch === order.epoch ? before.slotRecords : []);
        if (slotRecord !== undefined) slotRecords.set(slot, slotRecord);
        return { forgetMs: undefined, ...(isLatest ? { snapshot, order } : before), slotRecords };
      }),
    saveForgetMs: () => update(() => undefined),
  };
};

/**
 * Loads what is stored of the room of an invite. An invite of before a removal or rotation finds the room too, since the
 * group is the same; the snapshot has the present secret.
 *
 * Throws an `InviteError` if the invite is not for a group room, and `IdentityError` as `load` does.
 */
export const loadGroup = ({ group }: Pick<Invite, 'group'>, paths: GroupPaths): LoadedGroup => {
  if (group === undefined) throw new InviteError('the invite is not for a group room');
  return openGroupStore({ ...paths, group, slot: 0 }).load();
};

const isBefore = (one: SnapshotOrder, other: SnapshotOrder): boolean =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.position < other.position);

/** Calls a function, and converts system errors into `IdentityError`. A `RangeError` is one of the caller. */
const unwritable = (failure: string, call: () => void): void => {
  try {
    call();
  } catch (error) {
    throw error instanceof RangeError ? error : toIdentityError(error, 'unwritable', failure);
  }
};

const VERSION = 2;
/** States of this version have no setting. */
const VERSION_WITHOUT_SETTING = 1;

const formatStoredGroup = ({ snapshot, order, slotRecords, forgetMs }: StoredGroup): Uint8Array =>
  concatBytes(
    u8(VERSION),
    u32(order.epoch),
    u64(order.position),
    lengthPrefixed(snapshot),
    formatList([...slotRecords], ([slot, record]) => concatBytes(u8(slot), lengthPrefixed(record))),
    formatOptional(forgetMs, (ms) => formatOptional(ms === Infinity ? undefined : Math.floor(ms), u64)),
  );

/** Parses the format of `formatStoredGroup`, or returns `undefined` if the bytes are not one. */
const parseStoredGroup = (bytes: Uint8Array): StoredGroup | undefined =>
  parseBytes(bytes, (reader) => {
    const version = reader.u8();
    if (version !== VERSION && version !== VERSION_WITHOUT_SETTING) return undefined;
    const order = { epoch: reader.u32(), position: reader.u64() };
    const snapshot = reader.lengthPrefixed();
    const slotRecords = new Map(reader.list(() => [reader.u8(), reader.lengthPrefixed()] as const));
    const forgetMs =
      version === VERSION_WITHOUT_SETTING
        ? undefined
        : reader.optional(() => reader.optional(() => reader.u64()) ?? Infinity);
    return { snapshot, order, slotRecords, forgetMs };
  });
