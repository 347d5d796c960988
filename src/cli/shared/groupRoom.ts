import { join } from 'node:path';
import {
  BehaviorSubject,
  concat,
  defer,
  dematerialize,
  EMPTY,
  filter,
  finalize,
  materialize,
  type Observable,
  of,
  retry,
  switchMap,
  take,
  throwError,
} from 'rxjs';
import { createHpke, createStarEngine, type Device } from '../../../streams/client/group/index.js';
import {
  type GroupRequest,
  type GroupRole,
  type Identity,
  parseSnapshot,
} from '../../../streams/client/index.js';
import { fromBase64url } from '../../../streams/wire/index.js';
import { nodeCipher } from '../../crypto/nodeCipher.js';
import { nodeSuite } from '../../crypto/nodeSuite.js';
import { deriveRoomKeys } from '../../crypto/nodeKeys.js';
import { createTransientDevice, loadDevice } from '../../group/device.js';
import { type LoadedGroup, loadGroup, openGroupStore } from '../../group/groupStore.js';
import { claimSlot } from '../../group/slot.js';
import { hasState, loadDeviceKey } from '../../group/stateFile.js';
import type { Invite } from '../../invite/invite.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import type { JoinRoomOptions } from '../../platform/createJoinRoom.js';
import { DEFAULT_FORGET_MS, type GroupSettings } from '../../platform/clientOptions.js';
import { type GroupRoster, groupRoster } from '../../text/groupRoster.js';
import type { SafeText } from '../../text/sanitize.js';
import { durationFlag, type Flags } from '../args/flags.js';
import { dataDir, stateDir } from '../process/environment.js';
import { printNote } from '../process/exit.js';
import type { Contacts } from './contacts.js';

/** A room, as this machine can enter it. */
export interface OpenRoom {
  /** The invite of the place where the room is now, as far as this machine knows. */
  readonly invite: Invite;
  /** Whether this machine has the state of a member of the group. */
  readonly isMember: boolean;
  /** Emits once everything of the group is on disk. */
  readonly saved$: Observable<unknown>;
  /** Returns the options for `joinRoom`. */
  readonly options: (request$?: Observable<GroupRequest>) => Pick<JoinRoomOptions, 'group'>;
}

/** Options of `openRoom`. */
export interface OpenRoomOptions {
  readonly invite: Invite;
  readonly identity: Identity;
  readonly flags: Flags;
  /** What to be in a group room. */
  readonly role: GroupRole;
}

const MAX_FORGET_MS = 3650 * 86_400_000;

/** Returns the name of a room for files, JSON and known keys. That of a group room stays when the room moves. */
export const roomNameOf = ({ group, secret }: Invite): string => group ?? deriveRoomKeys(secret).room;

/**
 * Returns `--forget`: how long, in ms, this device can read again what it has read. 0 means never again, and `Infinity`
 * for ever. `undefined` if it is not given: what an earlier command stored then holds.
 */
const forgetMsFromFlags = (flags: Flags): number | undefined =>
  flags['forget'] === 'never' ? Infinity : durationFlag(flags, 'forget', 0, MAX_FORGET_MS);

/**
 * Runs `use` with a room for `joinRoom`: a group room with the state on this machine. Holds a slot of the device until
 * that ends.
 */
export const withRoom = <T>(
  options: OpenRoomOptions,
  use: (room: OpenRoom) => Observable<T>,
): Observable<T> =>
  openRoom(options).pipe(
    switchMap((room) => use(room).pipe(materialize())),
    dematerialize(),
  );

const openRoom = ({ invite, identity, flags, role }: OpenRoomOptions): Observable<OpenRoom> =>
  defer(() => {
    const { group } = invite;
    if (group === undefined)
      return of<OpenRoom>({ invite, isMember: false, saved$: of(true), options: () => ({}) });
    const dir = join(stateDir(), 'rooms');
    const isExternal = role.type === 'external';
    // An external sender needs no device of its own. The state of a member has the present invite, so it is used.
    const isStateless = isExternal && !hasState({ dir, group });
    const device = isStateless ? createTransientDevice(identity) : loadDevice(stateDir(), identity);
    const givenForgetMs = forgetMsFromFlags(flags);
    const forgetMsOf = (loaded: LoadedGroup): number =>
      givenForgetMs ?? (loaded.kind === 'loaded' ? loaded.forgetMs : undefined) ?? DEFAULT_FORGET_MS;
    const saves = trackSaves();
    const toRoom = (
      loaded: LoadedGroup,
      shared: Pick<GroupSettings, 'save' | 'slot' | 'loadSlotRecords' | 'loadSnapshot'>,
    ): OpenRoom => {
      const secret = loaded.kind === 'loaded' ? memberSecret(loaded.snapshot, invite, device) : undefined;
      return {
        invite: secret === undefined ? invite : { ...invite, secret },
        isMember: secret !== undefined || loaded.kind === 'damaged',
        saved$: saves.idle$,
        options: (request$) => ({
          group: {
            device,
            role,
            ...(loaded.kind === 'loaded' &&
              !isExternal && { snapshot: loaded.snapshot, order: loaded.order }),
            forgetMs: forgetMsOf(loaded),
            ...(request$ && { request$ }),
            ...shared,
            save: (...args) => saves.track(shared.save(...args)),
            ...(loaded.kind === 'loaded' && { slotRecord: loaded.slotRecords.get(shared.slot ?? 0) }),
          },
        }),
      };
    };

    // An external sender takes no part in the group, so it needs no slot and stores nothing.
    const unstored = { save: () => EMPTY, slot: 0 };
    if (isStateless) return of(toRoom({ kind: 'missing' }, unstored));
    const paths = { dir, deviceKey: loadDeviceKey(dataDir()) };
    const present = loadGroup(invite, paths);
    if (isExternal) return of(toRoom(present, unstored));
    const isAlone = forgetMsOf(present) === 0;
    return claimSlot({ dir, group, alone: isAlone }).pipe(
      switchMap((slot) => {
        const store = openGroupStore({ ...paths, group, slot, forgetMs: givenForgetMs });
        const loaded = store.load();
        if (forgetMsOf(loaded) === 0 && !isAlone) throw new SettingChanged();
        if (loaded.kind === 'damaged') printNote(DAMAGED_NOTE);
        const loadStored = () => {
          const stored = store.load();
          return stored.kind === 'loaded' ? stored : undefined;
        };
        const loadSlotRecords = () => loadStored()?.slotRecords.values() ?? [];
        const loadSnapshot = () => loadStored()?.snapshot;
        return concat(
          loaded.kind === 'loaded' ? store.saveForgetMs() : EMPTY,
          of(toRoom(loaded, { slot, save: store.save, loadSlotRecords, loadSnapshot })),
        );
      }),
    );
  }).pipe(
    retry({
      count: 1,
      delay: (error: unknown) => (error instanceof SettingChanged ? of(null) : throwError(() => error)),
    }),
  );

/** Another process chose `--forget 0` while this one claimed its slot. */
class SettingChanged extends Error {}

const DAMAGED_NOTE =
  'the state of the group on this machine is damaged; this device joins again, and forgets after 7 days without --forget';

/** Knows whether a save is running. A save that follows another one begins before that ends. */
const trackSaves = () => {
  const runningCount$ = new BehaviorSubject(0);
  return {
    idle$: endOfTick$.pipe(
      take(1),
      switchMap(() => runningCount$),
      filter((count) => count === 0),
      take(1),
    ),
    track: (save$: Observable<unknown>) =>
      defer(() => {
        runningCount$.next(runningCount$.value + 1);
        return save$.pipe(
          finalize(() => {
            runningCount$.next(runningCount$.value - 1);
          }),
        );
      }),
  };
};

/** Returns the secret of the present invite in a snapshot, or `undefined` if the snapshot is not that of a member. */
const memberSecret = (snapshot: Uint8Array, { group }: Invite, device: Device): Uint8Array | undefined => {
  const suite = nodeSuite();
  const context = {
    suite,
    hpke: createHpke(suite),
    engine: createStarEngine(suite),
    cipher: nodeCipher(),
    device,
    groupIdHash: fromBase64url(group ?? '') ?? new Uint8Array(),
    slot: 0,
    forgetMs: 0,
  };
  const parsed = parseSnapshot(context, snapshot);
  return parsed?.state.phase === 'member' ? parsed.inviteSecret : undefined;
};

/** Creates the roster of a group room, which names persons by the contacts. */
export const openRoster = (
  { identity, isVerified, knownKeys }: Pick<Contacts, 'identity' | 'isVerified' | 'knownKeys'>,
  inviteHint?: SafeText,
): GroupRoster =>
  groupRoster({ ownKey: identity.key, isVerified, knownKeys, ...(inviteHint && { inviteHint }) });
