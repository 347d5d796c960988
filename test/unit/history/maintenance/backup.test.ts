import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupHistory, checkHistory, HistoryError, restoreHistory } from '../../../../src/history/index.js';
import { appendLines, openHistory, readAll, tempDirs } from '../../../support/history/openHistory.js';
import { changeFile, fillStore } from '../../../support/history/storeFiles.js';

const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

const mode = (path: string): number => statSync(path).mode & 0o777;

/** Returns the error with which a backup fails. */
const backupError = async (dir: string, target: string): Promise<HistoryError> => {
  const result = await backupHistory(dir, target).catch((error: unknown) => error);
  if (result instanceof HistoryError) return result;
  throw new Error('it made a backup');
};

describe('a backup', () => {
  test('has the content of the store while it is open, and none of what is stored later', async () => {
    const [dir, target] = [dirs.make(), join(dirs.make(), 'new', 'backup')];
    const { history, close } = await openHistory({ dir });
    const lobby = history.open('lobby', () => 'id');
    await appendLines(lobby, 'one', 'two');
    expect(await backupHistory(dir, target)).toStrictEqual({ rooms: 1, entries: 2, bytes: 8, files: [] });
    await appendLines(lobby, 'three');
    close();
    expect(checkHistory(target)).toStrictEqual({ rooms: 1, entries: 2, bytes: 8 });
    const copy = await openHistory({ dir: target });
    expect(readAll(copy.history.open('lobby', () => 'other'))).toStrictEqual(['one', 'two']);
    copy.close();
  });

  test('is readable by its owner alone, with the other files that exist', async () => {
    const [dir, target] = [dirs.make(), join(dirs.make(), 'backup')];
    await fillStore(dir, 1);
    writeFileSync(join(dir, 'tls.pem'), 'certificate', { mode: 0o644 });
    const { files } = await backupHistory(dir, target, ['tls.pem', 'missing']);
    expect(files).toStrictEqual(['tls.pem']);
    expect(readFileSync(join(target, 'tls.pem'), 'utf8')).toBe('certificate');
    expect(mode(target)).toBe(0o700);
    const names = readdirSync(target).sort();
    expect(names).toStrictEqual(['VERSION', 'rooms.mdb', 'tls.pem']);
    expect(names.map((name) => mode(join(target, name)))).toStrictEqual([0o600, 0o600, 0o600]);
  });

  test('is refused where there is no store, and creates nothing', async () => {
    const target = join(dirs.make(), 'backup');
    const { message, hint } = await backupError(join(dirs.make(), 'none'), target);
    expect([message, hint]).toStrictEqual([
      expect.stringMatching(/^there is no history in .*none$/),
      'name the directory that serve uses',
    ]);
    expect(existsSync(target)).toBe(false);
  });

  test('is refused in a directory that is not empty, and changes nothing there', async () => {
    const [dir, target] = [dirs.make(), dirs.make()];
    await fillStore(dir, 1);
    writeFileSync(join(target, 'notes'), '');
    expect((await backupError(dir, target)).message).toBe(`${target} is not empty`);
    expect(readdirSync(target)).toStrictEqual(['notes']);
  });

  test('of a damaged store fails, and is not a store', async () => {
    const [dir, target] = [dirs.make(), join(dirs.make(), 'backup')];
    await fillStore(dir, 1);
    changeFile(dir, (bytes) => {
      bytes[bytes.lastIndexOf('large large')]! ^= 1;
    });
    const { code, message } = await backupError(dir, target);
    expect([code, message]).toStrictEqual(['damaged', expect.stringContaining(`in ${dir} is damaged`)]);
    expect(readdirSync(target)).toStrictEqual([]);
  });

  test('of a store of a newer version is refused, and so is restoring it', async () => {
    const [dir, target] = [dirs.make(), join(dirs.make(), 'backup')];
    await fillStore(dir, 1);
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 3\n');
    expect((await backupError(dir, target)).code).toBe('newer-version');
    expect(existsSync(target)).toBe(false);
    await expect(restoreHistory(dir, target)).rejects.toMatchObject({
      code: 'newer-version',
      hint: 'use the newer rxchat',
    });
    expect(existsSync(target)).toBe(false);
  });

  test('whose process was killed is not a store, and is made again only in an empty directory', async () => {
    const [dir, target] = [dirs.make(), dirs.make()];
    await fillStore(dir, 1);
    mkdirSync(join(target, 'incomplete'));
    expect(checkHistory(target).rooms).toBe(0);
    expect((await backupError(dir, target)).message).toBe(`${target} is not empty`);
  });
});
