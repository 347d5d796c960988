import { expect, test } from '@jest/globals';
import { defer, Subject } from 'rxjs';
import { FetchQueue } from '../../../../streams/relay/cluster/fetchQueue.js';

/** Fetches that run until a test ends them. */
const startFetches = (count: number) => {
  const queue = new FetchQueue();
  const started: number[] = [];
  const ended: number[] = [];
  const fetches = Array.from({ length: count }, (_, n) => {
    const source = new Subject<never>();
    const fetch$ = defer(() => {
      started.push(n);
      return source;
    });
    const subscription = queue.run(fetch$).subscribe({
      complete: () => ended.push(n),
      error: () => ended.push(n),
    });
    return { source, subscription };
  });
  return { queue, started, ended, fetches };
};

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

test('16 fetches run, and the next one starts when one completes, fails or is unsubscribed', () => {
  const { queue, started, ended, fetches } = startFetches(20);
  expect(started).toStrictEqual(upTo(16));
  expect(queue.isFull).toBe(true);
  fetches[3]?.source.complete();
  fetches[5]?.source.error(new Error('no answer'));
  fetches[0]?.subscription.unsubscribe();
  expect(started).toStrictEqual(upTo(19));
  expect(ended).toStrictEqual([3, 5]);
  fetches[18]?.source.complete();
  expect(started).toStrictEqual(upTo(20));
  expect(queue.isFull).toBe(false);
});

test('a fetch that is unsubscribed while it waits never starts, and takes no place', () => {
  const { queue, started, fetches } = startFetches(18);
  fetches[16]?.subscription.unsubscribe();
  fetches[0]?.source.complete();
  expect(started).toStrictEqual([...upTo(16), 17]);
  for (const { subscription } of fetches) subscription.unsubscribe();
  let runs = 0;
  for (let n = 0; n < 16; n += 1) queue.run(defer(() => [(runs += 1)])).subscribe();
  expect(runs).toBe(16);
});
