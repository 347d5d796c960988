import { afterEach, expect, test } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { checkHistory } from '../../../../src/history/index.js';
import { inspectDirectory } from '../../../../src/history/layout/directory.js';
import { openStore } from '../../../../src/history/store/openStore.js';
import { removeRoom } from '../../../../src/history/maintenance/removeRoom.js';
import { appendLines, openHistory, tempDirs } from '../../../support/history/openHistory.js';

const dirs = tempDirs();
afterEach(() => dirs.clear());

/** A store with 250 records in each of two rooms, opened without its history. */
const storeWithTwoRooms = async () => {
  const dir = dirs.make();
  const { history, close } = await openHistory({ dir });
  for (const room of ['lobby', 'cellar']) {
    const log = history.open(room, () => room);
    for (let n = 0; n < 250; n += 1) await appendLines(log, `line ${n}`);
  }
  close();
  return { dir, store: openStore(dir, inspectDirectory(dir), { durability: 'os' }) };
};

test('a large room is removed in steps, and the store is consistent if they end early', async () => {
  const { dir, store } = await storeWithTwoRooms();
  let removed = 0;
  const options = { store, room: 'lobby', flush: () => undefined, onRemoved: () => (removed += 1) };
  // The first step happens at once.
  removeRoom(options).subscribe().unsubscribe();
  expect(checkHistory(dir)).toMatchObject({ rooms: 2, entries: 400 });
  expect(store.room('lobby')).toMatchObject({ first: 101, next: 251 });

  expect(await lastValueFrom(removeRoom(options))).toMatchObject({ entries: 150 });
  expect(removed).toBe(1);
  expect(checkHistory(dir)).toMatchObject({ rooms: 1, entries: 250 });
  store.close();
});

test('a room whose own record is damaged is removed too', async () => {
  const { dir, store } = await storeWithTwoRooms();
  store.write(() => {
    store.removeRoom('lobby');
  });
  const options = { store, room: 'lobby', flush: () => undefined, onRemoved: () => undefined };
  expect(await lastValueFrom(removeRoom(options))).toStrictEqual({ entries: 0, bytes: 0 });
  store.close();
  expect(checkHistory(dir)).toMatchObject({ rooms: 1, entries: 250 });
});
