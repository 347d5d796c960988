import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Subscription } from 'rxjs';
import { exclusive, lockPath } from '../../../src/history/lock.js';
import { openDir, refusal, tempDirs } from './support.js';

const dirs = tempDirs();
const held: Subscription[] = [];

afterEach(() => {
  for (const each of held.splice(0)) each.unsubscribe();
  dirs.clear();
});

/** `held`, or the code of the error. */
const take = (dir: string): Promise<string> =>
  new Promise((resolve) => {
    held.push(
      exclusive(dir).subscribe({
        next: () => resolve('held'),
        error: ({ code }: { code: string }) => resolve(code),
      }),
    );
  });

const letGo = () => held.pop()?.unsubscribe();

/** A process that listens on a socket until it is killed. */
const holder = async (path: string): Promise<() => Promise<unknown>> => {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)},()=>console.log('listening'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGKILL');
    return once(child, 'exit');
  };
};

describe('the exclusive use of a directory', () => {
  test('is given to one at a time', async () => {
    const dir = dirs.make();
    expect(await take(dir)).toBe('held');
    expect(await take(dir)).toBe('in-use');
    letGo();
    expect(await take(dir)).toBe('in-use');
    letGo();
    letGo();
    expect(await take(dir)).toBe('held');
    expect(await take(dirs.make())).toBe('held');
  });

  test('leaves nothing when it is let go', async () => {
    const dir = dirs.make();
    await take(dir);
    expect(existsSync(lockPath(dir))).toBe(true);
    letGo();
    expect(existsSync(lockPath(dir))).toBe(false);
  });

  test('is refused while another process has it, and given once that was killed', async () => {
    const dir = dirs.make();
    const kill = await holder(lockPath(dir));
    expect(await take(dir)).toBe('in-use');
    await kill();
    expect(existsSync(lockPath(dir))).toBe(true);
    expect(await take(dir)).toBe('held');
    expect(await take(dir)).toBe('in-use');
  });

  test('is given to one of many that find what a killed process left', async () => {
    const dir = dirs.make();
    const kill = await holder(lockPath(dir));
    await kill();
    const all = await Promise.all(Array.from({ length: 8 }, () => take(dir)));
    expect(all.filter((each) => each === 'held')).toHaveLength(1);
    expect(all.filter((each) => each === 'in-use')).toHaveLength(7);
  });

  test('is given where some other file has the name', async () => {
    const dir = dirs.make();
    writeFileSync(lockPath(dir), '');
    expect(await take(dir)).toBe('held');
  });

  test('of a directory with a long path is held elsewhere', async () => {
    const dir = join(dirs.make(), 'x'.repeat(100));
    mkdirSync(dir);
    expect(lockPath(dir)).toMatch(/rxchat-[0-9a-f]{32}\.sock$/);
    expect(lockPath(dir).startsWith(tmpdir())).toBe(true);
    expect(await take(dir)).toBe('held');
    expect(await take(dir)).toBe('in-use');
    expect(await take(`${dir}${'x'.repeat(100)}`)).toBe('held');
  });

  test('is a named pipe on Windows', () => {
    expect(lockPath('C:\\history', 'win32')).toMatch(/^\\\\\.\\pipe\\rxchat-[0-9a-f]{32}$/);
  });

  test('does not keep the process alive', async () => {
    const pipes = () => process.getActiveResourcesInfo().filter((each) => each === 'PipeWrap').length;
    const before = pipes();
    expect(await take(dirs.make())).toBe('held');
    expect(pipes()).toBe(before);
  });

  test('of a history ends with it', async () => {
    const dir = dirs.make();
    const first = await openDir({ dir });
    const error = await refusal({ dir });
    expect([error.code, error.message]).toStrictEqual(['in-use', `another relay uses the history in ${dir}`]);
    first.close();
    const second = await openDir({ dir });
    second.close();
  });
});
