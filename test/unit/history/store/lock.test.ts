import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Subscription } from 'rxjs';
import { acquireLock, lockPath, shortenPath } from '../../../../src/history/store/lock.js';
import { openHistory, openError, tempDirs } from '../../../support/history/openHistory.js';

const dirs = tempDirs();
const pending: Subscription[] = [];

afterEach(() => {
  for (const each of pending.splice(0)) each.unsubscribe();
  dirs.clear();
});

/** Returns `held`, or the code of the error. */
const take = (dir: string): Promise<string> =>
  new Promise((resolve) => {
    pending.push(
      acquireLock(dir).subscribe({
        next: () => resolve('held'),
        error: ({ code }: { code: string }) => resolve(code),
      }),
    );
  });

const letGo = () => pending.pop()?.unsubscribe();

/** Starts a process that listens on a socket until it is killed. */
const holder = async (path: string, first = ''): Promise<() => Promise<unknown>> => {
  const code = `${first};require('node:net').createServer().listen(${JSON.stringify(path)},()=>console.log('listening'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGKILL');
    return once(child, 'close');
  };
};

describe('the lock of a directory', () => {
  test('is held by one user at a time', async () => {
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

  test('leaves no file when it is released', async () => {
    const dir = dirs.make();
    await take(dir);
    expect(existsSync(lockPath(dir))).toBe(true);
    letGo();
    expect(existsSync(lockPath(dir))).toBe(false);
  });

  test('is rejected while another process holds it, and acquired after that process was killed', async () => {
    const dir = dirs.make();
    const kill = await holder(lockPath(dir));
    expect(await take(dir)).toBe('in-use');
    await kill();
    expect(existsSync(lockPath(dir))).toBe(true);
    expect(await take(dir)).toBe('held');
    expect(await take(dir)).toBe('in-use');
  });

  test('is acquired by one of many that find the socket of a killed process', async () => {
    const dir = dirs.make();
    const kill = await holder(lockPath(dir));
    await kill();
    const all = await Promise.all(Array.from({ length: 8 }, () => take(dir)));
    expect(all.filter((each) => each === 'held')).toHaveLength(1);
    expect(all.filter((each) => each === 'in-use')).toHaveLength(7);
  });

  test('removes old sockets of processes that were killed before they had the lock, and nothing else', async () => {
    const dir = dirs.make();
    const [old, young] = [join(dir, '.abcdef'), join(dir, '.ghijkl')];
    for (const path of [old, young]) await holder(path).then((kill) => kill());
    utimesSync(old, 1, 1);
    const file = join(dir, '.mnopqr');
    writeFileSync(file, '');
    utimesSync(file, 1, 1);
    expect(await take(dir)).toBe('held');
    expect(readdirSync(dir).sort()).toStrictEqual(['.ghijkl', '.mnopqr', 'relay.sock']);
  });

  test('waits while another process removes the socket of a killed one, and not for a killed one', async () => {
    const dir = dirs.make();
    await holder(lockPath(dir)).then((kill) => kill());
    const guard = `${lockPath(dir)}.stale`;
    writeFileSync(guard, '');
    expect(await take(dir)).toBe('in-use');
    utimesSync(guard, 1, 1);
    expect(await take(dir)).toBe('held');
    expect(readdirSync(dir)).toStrictEqual(['relay.sock']);
  });

  test('is acquired when another file has the name of the socket', async () => {
    const dir = dirs.make();
    writeFileSync(lockPath(dir), '');
    expect(await take(dir)).toBe('held');
  });

  describe('the lock of a directory with a long path', () => {
    const long = () => {
      const dir = join(dirs.make(), 'x'.repeat(120));
      mkdirSync(dir);
      return dir;
    };

    test('is in the directory too, and leaves no file', async () => {
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

    test('is acquired after the process that held it was killed', async () => {
      const dir = long();
      const { path, release } = shortenPath(dir);
      // Another process reaches the directory by its own descriptor.
      const script = `process.chdir(${JSON.stringify(dir)})`;
      const kill = await holder('relay.sock', script);
      expect(await take(dir)).toBe('in-use');
      await kill();
      expect(existsSync(path)).toBe(true);
      expect(await take(dir)).toBe('held');
      release();
    });

    test('is in the directory when there is no /proc', async () => {
      const dir = long();
      const { path, release } = shortenPath(dir, join(dir, 'none'));
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

  test('the lock is a named pipe on Windows', () => {
    expect(lockPath('C:\\history', 'win32')).toMatch(/^\\\\\.\\pipe\\rxchat-[0-9a-f]{32}$/);
  });

  test('the lock does not keep the process alive', async () => {
    const pipes = () => process.getActiveResourcesInfo().filter((each) => each === 'PipeWrap').length;
    const before = pipes();
    expect(await take(dirs.make())).toBe('held');
    expect(pipes()).toBe(before);
  });

  test('the lock of a history ends with it', async () => {
    const dir = dirs.make();
    const first = await openHistory({ dir });
    const error = await openError({ dir });
    expect([error.code, error.message]).toStrictEqual(['in-use', `another relay uses the history in ${dir}`]);
    first.close();
    const second = await openHistory({ dir });
    second.close();
  });
});
