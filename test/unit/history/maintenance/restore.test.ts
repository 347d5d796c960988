import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupHistory, checkHistory, HistoryError, restoreHistory } from '../../../../src/history/index.js';
import { appendLines, openHistory, readAll, tempDirs } from '../../../support/history/openHistory.js';
import { changeFile } from '../../../support/history/storeFiles.js';

const dirs = tempDirs();
let dir: string;
let backup: string;

/** Stores lines in a room, and returns the id of its log and all lines. */
const store = async (...lines: string[]) => {
  const { history, close } = await openHistory({ dir });
  const lobby = history.open('lobby', () => lines.join(' '));
  await appendLines(lobby, ...lines);
  const stored = { id: lobby.id, ancestors: lobby.ancestors, lines: readAll(lobby) };
  close();
  return stored;
};

beforeEach(async () => {
  [dir, backup] = [join(dirs.make(), 'data'), join(dirs.make(), 'backup')];
  await store('one', 'two');
  writeFileSync(join(dir, 'tls.pem'), 'certificate');
  await backupHistory(dir, backup, ['tls.pem']);
  await store('three');
});
afterEach(() => {
  dirs.clear();
});

/** Returns the error with which a backup cannot be restored. */
const restoreError = async (source: string): Promise<HistoryError> => {
  const result = await restoreHistory(source, dir, ['tls.pem']).catch((error: unknown) => error);
  if (result instanceof HistoryError) return result;
  throw new Error('it was restored');
};

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('a restored backup', () => {
  test('has the logs and entries of the backup, and the other files', async () => {
    rmSync(dir, { recursive: true });
    expect(await restoreHistory(backup, dir, ['tls.pem'])).toStrictEqual({
      ...{ rooms: 1, entries: 2, bytes: 8 },
      files: ['tls.pem'],
    });
    const names = readdirSync(dir).sort();
    expect(names).toStrictEqual(['VERSION', 'rooms.mdb', 'tls.pem']);
    expect([mode(dir), ...names.map((name) => mode(join(dir, name)))]).toStrictEqual([
      0o700, 0o600, 0o600, 0o600,
    ]);
    expect(await store('four')).toStrictEqual({
      id: 'four',
      ancestors: [{ log: 'one two', n: 2 }],
      lines: ['one', 'two', 'four'],
    });
  });

  test('keeps a certificate that is there', async () => {
    for (const name of ['rooms.mdb', 'VERSION']) rmSync(join(dir, name));
    writeFileSync(join(dir, 'tls.pem'), 'other');
    expect((await restoreHistory(backup, dir, ['tls.pem'])).files).toStrictEqual([]);
    expect(readFileSync(join(dir, 'tls.pem'), 'utf8')).toBe('other');
  });

  test('replaces what a killed process left', async () => {
    rmSync(dir, { recursive: true });
    mkdirSync(join(dir, 'incomplete'), { recursive: true });
    writeFileSync(join(dir, 'incomplete', 'rooms.mdb'), 'half');
    expect((await restoreHistory(backup, dir)).rooms).toBe(1);
    expect(readdirSync(dir).sort()).toStrictEqual(['VERSION', 'rooms.mdb']);
  });
});

describe('restoring is refused', () => {
  test('if there is a store, which stays as it is', async () => {
    const { message, hint } = await restoreError(backup);
    expect([message, hint]).toStrictEqual([
      `there is a history in ${dir} already`,
      `move it away: mv ${dir} ${dir}.old`,
    ]);
    expect(checkHistory(dir).entries).toBe(3);
  });

  test('if a relay uses the directory', async () => {
    const { close } = await openHistory({ dir });
    expect((await restoreError(backup)).code).toBe('in-use');
    close();
  });

  test('if the backup is damaged', async () => {
    rmSync(dir, { recursive: true });
    changeFile(backup, (bytes) => {
      bytes[bytes.lastIndexOf('two\n')]! ^= 1;
    });
    const { code, message } = await restoreError(backup);
    expect([code, message]).toStrictEqual(['damaged', expect.stringContaining(backup)]);
    expect(existsSync(dir)).toBe(false);
  });

  test.each([
    ['there is no backup', 'none'],
    ['the backup is not complete', 'partial'],
  ])('if %s', async (_, name) => {
    rmSync(dir, { recursive: true });
    const source = join(dirs.make(), name);
    if (name === 'partial') mkdirSync(join(source, 'incomplete'), { recursive: true });
    expect((await restoreError(source)).message).toBe(`there is no history in ${source}`);
    expect(existsSync(dir)).toBe(false);
  });
});
