import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, merge } from 'rxjs';
import { type GroupStoreOptions, loadGroup, openGroupStore } from '../../../src/group/groupStore.js';
import { lockRooms } from '../../../src/group/lockedSection.js';
import { MAX_STATE_BYTES, stateFile } from '../../../src/group/stateFile.js';
import { createInvite, InviteError } from '../../../src/invite/invite.js';

const GROUP = 'A'.repeat(43);
const deviceKey = new Uint8Array(32).fill(7);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

let dir = '';
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'rxchat-')), 'rooms');
});
afterEach(() => {
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

const open = (options: Partial<GroupStoreOptions> = {}) =>
  openGroupStore({ dir, group: GROUP, deviceKey, slot: 0, ...options });

/** Saves, and returns the error if there is one. It emits nothing. */
const save = async (
  ...[store, ...args]: [ReturnType<typeof open>, ...Parameters<ReturnType<typeof open>['save']>]
) => lastValueFrom(store.save(...args), { defaultValue: undefined }).catch((error: unknown) => error);

const at = (epoch: number, position: number) => ({ epoch, position });
const loaded = (
  snapshot: Uint8Array,
  order: unknown,
  slotRecords: readonly [number, Uint8Array][] = [],
  forgetMs?: number,
) => ({
  kind: 'loaded',
  snapshot,
  order,
  slotRecords: new Map(slotRecords),
  forgetMs,
});
const setForgetMs = async (store: ReturnType<typeof open>) =>
  lastValueFrom(store.saveForgetMs(), { defaultValue: undefined });
const unwritable = (message = /^cannot .+: .+$/) =>
  expect.objectContaining({
    name: 'IdentityError',
    code: 'unwritable',
    message: expect.stringMatching(message),
  });

describe('the store of a group room', () => {
  test('loads what any process of the device saved last', async () => {
    expect(open().load()).toStrictEqual({ kind: 'missing' });
    expect(await save(open(), bytes(1), at(0, 0))).toBeUndefined();
    expect(open({ slot: 1 }).load()).toStrictEqual(loaded(bytes(1), at(0, 0)));
    expect(await save(open({ slot: 1 }), bytes(2), at(0, 1))).toBeUndefined();
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(0, 1)));
    expect(readdirSync(dir)).toStrictEqual([`${GROUP}.state`]);
  });

  test.each([
    ['of an earlier epoch', at(4, 900)],
    ['of an earlier position', at(5, 99)],
  ])('keeps the stored snapshot when one %s is saved', async (_case, earlier) => {
    await save(open(), bytes(1), at(5, 100));
    const before = readFileSync(open().path, 'utf8');
    expect(await save(open({ slot: 1 }), bytes(2), earlier)).toBeUndefined();
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(5, 100)));
    expect(readFileSync(open().path, 'utf8')).toBe(before);
  });

  test.each([
    ['the same position', at(5, 100)],
    ['a later position', at(5, 101)],
    ['a later epoch', at(6, 0)],
  ])('replaces the stored snapshot by one of %s', async (_case, order) => {
    await save(open(), bytes(1), at(5, 100));
    await save(open({ slot: 1 }), bytes(2), order);
    expect(open().load()).toStrictEqual(loaded(bytes(2), order));
  });

  test('keeps the record of each slot while the epoch lasts, also with an older snapshot', async () => {
    await save(open({ slot: 0 }), bytes(1), at(5, 100), bytes(10));
    await save(open({ slot: 3 }), bytes(2), at(5, 90), bytes(13));
    expect(open().load()).toStrictEqual(
      loaded(bytes(1), at(5, 100), [
        [0, bytes(10)],
        [3, bytes(13)],
      ]),
    );
    await save(open({ slot: 0 }), bytes(3), at(5, 101));
    await save(open({ slot: 3 }), bytes(4), at(5, 90), bytes(23));
    expect(open().load()).toStrictEqual(
      loaded(bytes(3), at(5, 101), [
        [0, bytes(10)],
        [3, bytes(23)],
      ]),
    );
  });

  test('drops all records at the next epoch, and takes none of an earlier one', async () => {
    await save(open({ slot: 0 }), bytes(1), at(5, 100), bytes(10));
    await save(open({ slot: 1 }), bytes(2), at(6, 1), bytes(11));
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(6, 1), [[1, bytes(11)]]));
    await save(open({ slot: 0 }), bytes(1), at(5, 200), bytes(20));
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(6, 1), [[1, bytes(11)]]));
  });

  test('has everything of many saves at the same time', async () => {
    const stores = [0, 1, 2, 3].map((slot) => open({ slot }));
    await lastValueFrom(
      merge(
        ...Array.from({ length: 20 }, (_, position) =>
          stores[position % 4]!.save(bytes(position), at(1, position), bytes(position % 4, position)),
        ),
      ),
      { defaultValue: undefined },
    );
    const found = open().load();
    expect(found).toMatchObject({ kind: 'loaded', snapshot: bytes(19), order: at(1, 19) });
    expect(found.kind === 'loaded' && [...found.slotRecords.keys()].sort()).toStrictEqual([0, 1, 2, 3]);
  });

  test('saves nothing before it is subscribed', () => {
    open().save(bytes(1), at(1, 1));
    expect(existsSync(dir)).toBe(false);
  });

  test('loads an older file as it is, such as one of a backup', async () => {
    await save(open(), bytes(1), at(5, 100), bytes(10));
    const backup = join(dir, '..', 'backup');
    copyFileSync(open().path, backup);
    await save(open(), bytes(2), at(7, 300));
    copyFileSync(backup, open().path);
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(5, 100), [[0, bytes(10)]]));
    await save(open(), bytes(3), at(5, 101));
    expect(open().load()).toMatchObject({ snapshot: bytes(3) });
  });

  test('is damaged for another format, and then saves any snapshot', async () => {
    const file = stateFile({ dir, group: GROUP, deviceKey });
    for (const state of [bytes(), bytes(1, 2, 3), bytes(3, ...new Uint8Array(19))]) {
      file.save(state);
      expect(open().load()).toStrictEqual({ kind: 'damaged' });
    }
    expect(await save(open(), bytes(1), at(0, 0))).toBeUndefined();
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(0, 0)));
  });
});

describe('the setting of what a device forgets', () => {
  test.each([0, 3_600_000, Infinity])('is stored with the first snapshot: %d ms', async (forgetMs) => {
    const store = open({ forgetMs });
    await setForgetMs(store);
    expect(store.load()).toStrictEqual({ kind: 'missing' });
    await save(store, bytes(1), at(1, 1));
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(1, 1), [], forgetMs));
    await save(open({ slot: 1 }), bytes(2), at(1, 2), bytes(9));
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(1, 2), [[1, bytes(9)]], forgetMs));
  });

  test('is replaced by the process that got it last, and a process that runs on does not undo it', async () => {
    const running = open({ forgetMs: Infinity });
    await save(running, bytes(1), at(5, 1), bytes(7));
    const other = open({ slot: 1, forgetMs: 0 });
    await setForgetMs(other);
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(5, 1), [[0, bytes(7)]], 0));
    await save(running, bytes(2), at(5, 2), bytes(8));
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(5, 2), [[0, bytes(8)]], 0));
  });

  test('is stored also with a snapshot that is too old to be stored', async () => {
    await save(open(), bytes(1), at(5, 1), bytes(7));
    await save(open({ slot: 1, forgetMs: 0 }), bytes(2), at(4, 9), bytes(8));
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(5, 1), [[0, bytes(7)]], 0));
  });

  test('is missing in the state of an earlier version, which loads', async () => {
    // Version 1, epoch 3, position 4, the snapshot 5 6, a record 7 of slot 2.
    const old = bytes(1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 5, 6, 0, 1, 2, 0, 0, 0, 1, 7);
    stateFile({ dir, group: GROUP, deviceKey }).save(old);
    expect(open().load()).toStrictEqual(loaded(bytes(5, 6), at(3, 4), [[2, bytes(7)]]));
    await setForgetMs(open({ forgetMs: 0 }));
    expect(open().load()).toStrictEqual(loaded(bytes(5, 6), at(3, 4), [[2, bytes(7)]], 0));
  });
});

describe('the files of killed processes', () => {
  const part = (letter: string) => `.rxchat-${letter.repeat(12)}.part`;

  test('are removed at the next save, and nothing else is', async () => {
    await save(open(), bytes(1), at(1, 1));
    const target = join(dir, '..', 'target');
    writeFileSync(target, 'kept');
    writeFileSync(join(dir, part('a')), 'incomplete');
    symlinkSync(target, join(dir, part('b')));
    mkdirSync(join(dir, part('c')));
    for (const name of ['.rxchat-short.part', `x${part('d')}`, 'notes.part'])
      writeFileSync(join(dir, name), '');
    await save(open(), bytes(2), at(1, 2));
    expect(readdirSync(dir).sort()).toStrictEqual(
      [part('b'), part('c'), '.rxchat-short.part', `${GROUP}.state`, 'notes.part', `x${part('d')}`].sort(),
    );
    expect(readFileSync(target, 'utf8')).toBe('kept');
  });
});

describe('a store that cannot save', () => {
  test('errors with one line, and keeps what is stored', async () => {
    await save(open(), bytes(1), at(1, 1));
    const tooLarge = new Uint8Array(MAX_STATE_BYTES + 1);
    expect(await save(open(), tooLarge, at(1, 2))).toBeInstanceOf(RangeError);
    const inFile = open({ dir: join(open().path, 'rooms') });
    expect(await save(inFile, bytes(2), at(1, 2))).toStrictEqual(unwritable());
    chmodSync(open().path, 0o644);
    expect(await save(open(), bytes(2), at(1, 2))).toStrictEqual(
      expect.objectContaining({ name: 'IdentityError', code: 'open-to-others' }),
    );
    chmodSync(open().path, 0o600);
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(1, 1)));
  });

  test('waits for another process that saves', async () => {
    await save(open(), bytes(1), at(1, 1));
    const lock = lockRooms(dir, 'save.sock').subscribe();
    const events: string[] = [];
    const saved = save(open(), bytes(2), at(1, 2)).then(() => events.push('saved'));
    // Takes as long as the save needs to find the lock in use.
    await expect(lastValueFrom(lockRooms(dir, 'save.sock'))).rejects.toMatchObject({ code: 'in-use' });
    expect(open().load()).toStrictEqual(loaded(bytes(1), at(1, 1)));
    events.push('released');
    lock.unsubscribe();
    await saved;
    expect(events).toStrictEqual(['released', 'saved']);
    expect(open().load()).toStrictEqual(loaded(bytes(2), at(1, 2)));
  });
});

describe('the room of an invite', () => {
  test('is found by any invite of its group, whatever the secret', async () => {
    const invite = createInvite({ host: '::1', port: 1, group: GROUP });
    const old = createInvite({ host: '127.0.0.1', port: 2, group: GROUP });
    expect(loadGroup(invite, { dir, deviceKey })).toStrictEqual({ kind: 'missing' });
    await save(open(), bytes(9), at(3, 1));
    for (const each of [invite, old])
      expect(loadGroup(each, { dir, deviceKey })).toStrictEqual(loaded(bytes(9), at(3, 1)));
    const other = createInvite({ ...invite, group: 'E'.repeat(43) });
    expect(loadGroup(other, { dir, deviceKey })).toStrictEqual({ kind: 'missing' });
    expect(() => loadGroup(createInvite(), { dir, deviceKey })).toThrow(InviteError);
    expect(() => loadGroup({ group: '../../etc/passwd' }, { dir, deviceKey })).toThrow(TypeError);
  });
});
