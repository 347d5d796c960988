import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Subscription } from 'rxjs';
import { exclusive, lockPath, shortPath } from '../../../src/history/lock.js';
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
const holder = async (path: string, first = ''): Promise<() => Promise<unknown>> => {
  const code = `${first};require('node:net').createServer().listen(${JSON.stringify(path)},()=>console.log('listening'))`;
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

  describe('of a directory with a long path', () => {
    const long = () => {
      const dir = join(dirs.make(), 'x'.repeat(120));
      mkdirSync(dir);
      return dir;
    };

    test('is held in the directory too, and leaves nothing', async () => {
      const dir = long();
      expect(await take(dir)).toBe('held');
      expect(existsSync(join(dir, 'relay.sock'))).toBe(true);
      expect(await take(dir)).toBe('in-use');
      letGo();
      letGo();
      expect(readdirSync(dir)).toStrictEqual([]);
      expect(await take(dir)).toBe('held');
    });

    test('does not depend on TMPDIR', async () => {
      const dir = long();
      const own = process.env['TMPDIR'];
      try {
        process.env['TMPDIR'] = dirs.make();
        expect(await take(dir)).toBe('held');
        process.env['TMPDIR'] = dirs.make();
        expect(await take(dir)).toBe('in-use');
      } finally {
        if (own === undefined) delete process.env['TMPDIR'];
        else process.env['TMPDIR'] = own;
      }
    });

    test('is given once the process that had it was killed', async () => {
      const dir = long();
      const { path, release } = shortPath(dir);
      // Another process reaches the directory by a descriptor of its own.
      const script = `process.chdir(${JSON.stringify(dir)})`;
      const kill = await holder('relay.sock', script);
      expect(await take(dir)).toBe('in-use');
      await kill();
      expect(existsSync(path)).toBe(true);
      expect(await take(dir)).toBe('held');
      release();
    });

    test('is in the directory where there is no /proc', async () => {
      const dir = long();
      const { path, release } = shortPath(dir, join(dir, 'none'));
      expect(path.length).toBeLessThanOrEqual(100);
      const server = createServer();
      server.listen(path);
      await once(server, 'listening');
      expect(await take(dir)).toBe('in-use');
      server.close(release);
      await once(server, 'close');
      expect(readdirSync(dir)).toStrictEqual([]);
      expect(existsSync(dirname(path))).toBe(false);
    });
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
