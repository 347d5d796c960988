import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { claimSlot } from '../../../src/group/slot.js';

const GROUP = 'A'.repeat(43);
const OTHER_GROUP = 'E'.repeat(43);

let dir = '';
const claims: Subscription[] = [];
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'rxchat-')), 'rooms');
});
afterEach(() => {
  for (const each of claims.splice(0)) each.unsubscribe();
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

interface Claim {
  readonly result: unknown;
  readonly release: () => void;
}

const claim = (options: Partial<Parameters<typeof claimSlot>[0]> = {}): Promise<Claim> =>
  new Promise((resolve) => {
    const subscription = claimSlot({ dir, group: GROUP, ...options }).subscribe({
      next: (slot) => resolve({ result: slot, release: () => subscription.unsubscribe() }),
      error: (error: unknown) => resolve({ result: error, release: () => undefined }),
    });
    claims.push(subscription);
  });
const resultOf = async (...args: Parameters<typeof claim>): Promise<unknown> => (await claim(...args)).result;

const IN_USE = expect.objectContaining({ name: 'SlotsInUseError', message: expect.stringMatching(/^.+$/) });

describe('the slots of a device in a room', () => {
  test('are 0 to 3, each for one process, and a fifth process is refused', async () => {
    const slots = [await claim(), await claim(), await claim(), await claim()];
    expect(slots.map(({ result }) => result)).toStrictEqual([0, 1, 2, 3]);
    expect(await resultOf()).toStrictEqual(IN_USE);
    slots[2]!.release();
    expect(await resultOf()).toBe(2);
    expect(await resultOf()).toStrictEqual(IN_USE);
  });

  test('are different when processes start at the same time', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => resultOf()));
    expect(results.filter((result) => typeof result === 'number').sort()).toStrictEqual([0, 1, 2, 3]);
    expect(results.filter((result) => typeof result !== 'number')).toStrictEqual([IN_USE, IN_USE]);
  });

  test('are apart for each room', async () => {
    expect(await resultOf()).toBe(0);
    expect(await resultOf({ group: OTHER_GROUP })).toBe(0);
  });

  test('are free again after a process was killed, whatever a file says', async () => {
    await claim().then(({ release }) => release());
    const socket = join(dir, `${GROUP}.0.sock`);
    const code = `require('node:net').createServer().listen(${JSON.stringify(socket)},()=>console.log('x'))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const second = await claim();
    expect(second.result).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await resultOf()).toBe(0);
    // As a restored backup or an older version could leave it, with the process id of a running process.
    second.release();
    writeFileSync(join(dir, `${GROUP}.1.sock`), `${process.pid}`);
    expect(await resultOf()).toBe(1);
  });

  test('are all claimed by a process that allows no other', async () => {
    const alone = await claim({ alone: true });
    expect(alone.result).toBe(0);
    expect(await resultOf()).toStrictEqual(IN_USE);
    expect(await resultOf({ alone: true })).toStrictEqual(IN_USE);
    alone.release();
    const other = await claim();
    expect(other.result).toBe(0);
    expect(await resultOf({ alone: true })).toStrictEqual(IN_USE);
    // A refused claim keeps no slot.
    const second = await claim();
    expect(second.result).toBe(1);
    other.release();
    expect(await resultOf({ alone: true })).toStrictEqual(IN_USE);
    expect(await resultOf()).toBe(0);
  });

  test('cannot be claimed in a directory that cannot be written', async () => {
    await claim().then(({ release }) => release());
    const file = join(dir, 'file');
    writeFileSync(file, '');
    for (const each of [file, join(file, 'rooms'), '/proc/self/none'])
      expect(await resultOf({ dir: each })).toStrictEqual(
        expect.objectContaining({
          name: 'IdentityError',
          code: 'unwritable',
          message: expect.stringMatching(/^cannot (create|lock) .+: .+$/),
        }),
      );
  });

  test.each(['', '../x', 'A'.repeat(42)])('are not claimed for %j, which names no group', async (group) => {
    expect(await resultOf({ group })).toBeInstanceOf(TypeError);
  });
});
