import { afterAll } from '@jest/globals';
import { StoreRecordCache } from '../../../src/history/cache/recordCache.js';
import { initDirectory, inspectDirectory } from '../../../src/history/layout/directory.js';
import { openStore } from '../../../src/history/store/openStore.js';
import { fakeRecordCache } from '../../support/fakeRecordCache.js';
import { tempDirs } from '../../support/history/openHistory.js';
import { describeRecordCache } from '../../support/recordCacheContract.js';

const dirs = tempDirs();
afterAll(() => {
  dirs.clear();
});

const nothing = () => undefined;

describeRecordCache('memory', () => ({ cache: fakeRecordCache(), flush: nothing, close: nothing }));

describeRecordCache('lmdb', () => {
  const dir = initDirectory(dirs.make());
  const cache = new StoreRecordCache(
    openStore(dir, inspectDirectory(dir), { durability: 'os', useWritemap: false }),
    {
      maxBytes: 2 ** 20,
      maxAgeMs: 3_600_000,
      onFailed: (reason) => {
        throw new Error(reason);
      },
    },
  );
  return {
    cache,
    flush: () => {
      cache.flush();
    },
    close: () => {
      cache.close();
    },
  };
});
