import { afterEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openGroupStore } from '../../src/group/groupStore.js';
import { type Child, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const moduleUrl = (name: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../dist/src/group/${name}.js`, import.meta.url)));
const GROUP = 'A'.repeat(43);
const KEY = new Uint8Array(32).fill(2);
const STATE_BYTES = 30_000;

/** Runs a module that has the store of a directory, and `print`. */
const run = (dir: string, code: string, wrapper: readonly string[] = []): Child => {
  const text = `
    const { openGroupStore } = await import(${moduleUrl('groupStore')});
    const { claimSlot } = await import(${moduleUrl('slot')});
    const { loadDevice } = await import(${moduleUrl('device')});
    const { writeSync } = await import('node:fs');
    const dir = ${JSON.stringify(dir)};
    const print = (line) => writeSync(1, line + '\\n');
    const open = (slot) =>
      openGroupStore({ dir, group: ${JSON.stringify(GROUP)}, deviceKey: new Uint8Array(32).fill(2), slot });
    const save = (store, ...args) =>
      new Promise((complete, error) => store.save(...args).subscribe({ complete, error }));
    ${code}`;
  const command: readonly string[] = [...wrapper, process.execPath, '--input-type=module', '-e', text];
  const [program = '', ...args] = command;
  return start(program, args);
};

/** Saves snapshots of one byte repeated, at rising positions, and prints each position once it is saved. */
const saveForEver = (slot: number) => `
  const store = open(${slot});
  for (;;) {
    const loaded = store.load();
    const position = loaded.kind === 'loaded' ? loaded.order.position + 1 : 0;
    const record = Buffer.from(String(position));
    await save(store, new Uint8Array(${STATE_BYTES}).fill(position % 256), { epoch: 1, position }, record);
    print(position);
  }`;

const firstLine = async (child: Child): Promise<string> => {
  await child.out.until(({ lines }) => lines.length > 0);
  return child.out.lines[0] ?? '';
};

const lastOf = (child: Child): number => Math.max(-1, ...child.out.lines.map(Number));

test('33: two processes that save and are killed leave the latest whole state, with the records of both', async () => {
  const dir = join(tempDir(), 'rooms');
  let reported = -1;
  for (let kill = 1; kill <= 5; kill += 1) {
    const children = [0, 1].map((slot) => run(dir, saveForEver(slot)));
    // At another moment each time.
    for (const child of children) await child.out.until(({ lines }) => lines.length >= kill * 2);
    children[kill % 2]!.signal('SIGKILL');
    await children[kill % 2]!.exit;
    // The other process takes over the lock, and continues.
    const other = children[1 - (kill % 2)]!;
    const count = other.out.lines.length;
    await other.out.until(({ lines }) => lines.length > count + 2);
    other.signal('SIGKILL');
    await other.exit;

    const loaded = openGroupStore({ dir, group: GROUP, deviceKey: KEY, slot: 0 }).load();
    if (loaded.kind !== 'loaded') throw new Error(`the state is ${loaded.kind}`);
    const { snapshot, order, slotRecords } = loaded;
    reported = Math.max(reported, ...children.map(lastOf));
    expect(order.position).toBeGreaterThanOrEqual(reported);
    expect(snapshot).toHaveLength(STATE_BYTES);
    expect(snapshot.every((byte) => byte === order.position % 256)).toBe(true);
    for (const [slot, child] of children.entries()) {
      const record = Number(Buffer.from(slotRecords.get(slot) ?? []).toString());
      expect(record).toBeGreaterThanOrEqual(lastOf(child));
    }
  }
  await run(dir, `await save(open(2), new Uint8Array(1), { epoch: 2, position: 0 }); process.exit();`).exit;
  // The name of a lock that a process had not taken when it was killed; it is removed after 10 s.
  const names = readdirSync(dir).filter((name) => !/^\.[\w-]{6}$/.test(name));
  expect(names).toStrictEqual([`${GROUP}.state`]);
});

test('no two processes are in a locked section at the same time', async () => {
  const dir = tempDir();
  const code = `
    const { whileLocked } = await import(${moduleUrl('lockedSection')});
    const { closeSync, openSync, rmSync } = await import('node:fs');
    for (let n = 0; n < 200; n += 1)
      await new Promise((complete, error) =>
        whileLocked(dir, 'save.sock', () => {
          // Fails if another process is in the section.
          closeSync(openSync(dir + '/entered', 'wx'));
          rmSync(dir + '/entered');
        }).subscribe({ complete, error }));
    print('done');`;
  const lines = await Promise.all([1, 2, 3].map(() => firstLine(run(dir, code))));
  expect(lines).toStrictEqual(['done', 'done', 'done']);
  expect(readdirSync(dir)).toStrictEqual([]);
});

const claim = (alone: boolean) => `
  claimSlot({ dir, group: ${JSON.stringify(GROUP)}, alone: ${alone} }).subscribe({
    next: (slot) => print('slot ' + slot),
    error: ({ name, message }) => print(name + ': ' + message),
  });
  setTimeout(() => {}, 1e6);`;

test('four processes have a slot each, a fifth is refused, and a killed one makes room', async () => {
  const dir = join(tempDir(), 'rooms');
  const children = [0, 1, 2, 3].map(() => run(dir, claim(false)));
  const lines = await Promise.all(children.map(firstLine));
  expect([...lines].sort()).toStrictEqual(['slot 0', 'slot 1', 'slot 2', 'slot 3']);
  expect(await firstLine(run(dir, claim(false)))).toMatch(/^SlotsInUseError: 4 processes of this device/);
  expect(await firstLine(run(dir, claim(true)))).toMatch(/^SlotsInUseError: another process/);

  children[2]!.signal('SIGKILL');
  await children[2]!.exit;
  expect(await firstLine(run(dir, claim(false)))).toBe(lines[2]);
});

test('several processes that start first agree on one device', async () => {
  const dir = tempDir();
  const code = `
    const { createIdentity } = await import(${moduleUrl('../crypto/nodeKeys')});
    print(Buffer.from(loadDevice(dir + '/state', createIdentity(), 'x').publicKey).toString('hex'));`;
  const keys = await Promise.all([1, 2, 3, 4].map(() => firstLine(run(dir, code))));
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(keys).size).toBe(1);
});

/** Runs a command on a small disk of its own. */
const onDisk = (options: string, dir: string): readonly string[] => [
  'unshare',
  process.getuid?.() === 0 ? '-m' : '-rm',
  '--',
  'sh',
  '-c',
  `mount -t tmpfs -o mode=700,${options} none "$0" || exit 99; exec "$@"`,
  dir,
];
const [mount = '', ...mountArgs] = onDisk('size=128k', tempDir());
const canMount = await promisify(execFile)(mount, [...mountArgs, 'true']).then(
  () => true,
  () => false,
);
if (!canMount)
  console.warn('NOT TESTED: nothing can be mounted here, so nothing is known about states on a full disk');

(canMount ? test : test.skip).each([
  ['a full disk', 'size=128k', 'no space left on device'],
  ['a read-only disk', 'ro', 'read-only file system'],
])('%s keeps the stored state, and is one line', async (_case, disk, reason) => {
  const code = `
    const { writeFileSync } = await import('node:fs');
    const store = open(0);
    const attempt = (bytes, position) =>
      save(store, new Uint8Array(bytes), { epoch: 1, position }).then(
        () => print('saved'),
        ({ name, code, message }) => print(name + ' ' + code + ' ' + message),
      );
    await attempt(1000, 1);
    await attempt(100_000, 2);
    print(store.load().order?.position);
    try { loadDevice(dir + '/none', { key: '', sign: () => '' }); } catch (error) { print(error.name); }`;
  const dir = tempDir();
  const child = run(dir, code, onDisk(disk, dir));
  expect(await child.exit).toBe(0);
  const failed = expect.stringMatching(
    new RegExp(`^IdentityError unwritable cannot (write|lock) [^\n]+: ${reason}$`),
  );
  expect(child.out.lines.slice(0, 3)).toStrictEqual(
    disk === 'ro' ? [failed, failed, 'undefined'] : ['saved', failed, '1'],
  );
  if (disk === 'ro') expect(child.out.lines[3]).toBe('IdentityError');
});
