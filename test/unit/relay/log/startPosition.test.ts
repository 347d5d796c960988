import { describe, expect, test } from '@jest/globals';
import { type Observable, of, Subject, throwError } from 'rxjs';
import { roomLog } from '../../../../streams/relay/log/roomLog.js';
import { fetchComparedEntries, startPosition } from '../../../../streams/relay/log/startPosition.js';
import { entryHash, type Resume } from '../../../../streams/wire/fields.js';
import { decodeTextLossy, encodeText } from '../../../../streams/wire/encoding.js';
import { fakeHash } from '../../../support/envelopes.js';
import { appendAndCommit, fetchedLog } from '../../../support/logs.js';

const hashOf = (line: string) => entryHash(fakeHash(encodeText(line)));
const resume = (n: number, line: string, earlier?: Resume['earlier']): Resume => ({
  log: 'log',
  n,
  hash: hashOf(line),
  ...(earlier && { earlier }),
});

/** The entries one to three have to be fetched, and the fourth is in memory. */
const logToFetch = (fetch: () => Observable<unknown>) => {
  const log = roomLog({
    id: 'log',
    windowBytes: 1 << 20,
    stored: fetchedLog(['one', 'two', 'three'], fetch),
  });
  appendAndCommit(log, 'four');
  return log;
};

/** Collects what `fetchComparedEntries` emits, as text. */
const fetched = (entries$: Observable<ReadonlyMap<number, Uint8Array>>) => {
  const results: [number, string][][] = [];
  entries$.subscribe((entries) => {
    results.push([...entries].map(([n, line]) => [n, decodeTextLossy(line)]));
  });
  return results;
};

describe('fetchComparedEntries', () => {
  test('fetches both entries that a client names, and emits once', () => {
    const fetch = new Subject<void>();
    const after = resume(3, 'three', { n: 1, hash: hashOf('one') });
    const results = fetched(
      fetchComparedEntries(
        logToFetch(() => fetch),
        after,
      ),
    );
    expect(results).toStrictEqual([]);
    fetch.next();
    expect(results).toStrictEqual([
      [
        [3, 'three'],
        [1, 'one'],
      ],
    ]);
  });

  test.each([
    ['nothing was read', undefined],
    ['the client names no hash', { log: 'log', n: 2 }],
    ['the client read another log', { ...resume(2, 'two'), log: 'other' }],
    ['the entry is not there yet', resume(9, 'nine')],
    ['the entry cannot be read', resume(2, 'two')],
  ])('emits no entries if %s', (_, after) => {
    const log = logToFetch(() => throwError(() => new Error('the store is gone')));
    expect(fetched(fetchComparedEntries(log, after))).toStrictEqual([[]]);
  });

  test('emits within the subscribing call if the entry is in memory', () => {
    const log = logToFetch(() => new Subject());
    expect(fetched(fetchComparedEntries(log, resume(4, 'four')))).toStrictEqual([[[4, 'four']]]);
  });
});

describe('startPosition after a fetch', () => {
  const start = (after: Resume, line: (n: number) => Uint8Array | undefined) =>
    startPosition(
      { after, last: undefined },
      { log: { id: 'log', first: 1, next: 5, line }, next: 5, hash: fakeHash, isStored: true },
    );

  test('resumes after the entry if it is the same, and at the first one if it is another', () => {
    fetchComparedEntries(
      logToFetch(() => of('at once')),
      resume(2, 'two'),
    ).subscribe((entries) => {
      expect(start(resume(2, 'two'), (n) => entries.get(n))).toBe(3);
      expect(start(resume(2, 'zwei'), (n) => entries.get(n))).toBe(1);
    });
    expect.assertions(2);
  });

  test('begins with the entry itself if it is not fetched', () => {
    const log = logToFetch(() => new Subject());
    const options = { log, next: 5, hash: fakeHash, isStored: true };
    expect(startPosition({ after: resume(2, 'two'), last: undefined }, options)).toBe(2);
  });
});

describe('startPosition in a log that continues another one', () => {
  const lines = ['one', 'two', 'three', 'four', 'five', 'six'];
  const start = (after: Resume, first = 1) =>
    startPosition(
      { after, last: undefined },
      {
        log: {
          id: 'new',
          ancestors: [{ log: 'old', n: 4 }],
          ...{ first, next: 7 },
          line: (n) => (n < first ? undefined : encodeText(lines[n - 1] ?? '')),
        },
        ...{ next: 7, hash: fakeHash, isStored: true },
      },
    );
  const read = (n: number, line: string) => ({ ...resume(n, line), log: 'old' });

  test.each<{ name: string; after: Resume; from: number; first?: number }>([
    { name: 'continues after an entry that both logs have', after: read(3, 'three'), from: 4 },
    { name: 'continues after the last entry that both logs have', after: read(4, 'four'), from: 5 },
    { name: 'begins at the first entry if the entry is another one', after: read(3, 'drei'), from: 1 },
    {
      name: 'begins at the first entry after an entry that the log does not have',
      after: read(5, 'five'),
      from: 1,
    },
    { name: 'begins with a gap if the entry is not kept', after: read(2, 'two'), from: 3, first: 4 },
    { name: 'cannot compare the newest entry that is not kept', after: read(3, 'three'), from: 3, first: 4 },
    { name: 'continues at a position without a hash', after: { log: 'old', n: 2 }, from: 3 },
    {
      name: 'begins after the common entries at a position without a hash beyond them',
      after: { log: 'old', n: 6 },
      from: 5,
    },
    {
      name: 'begins at the first entry for a log that it does not continue',
      after: { ...read(3, 'three'), log: 'x' },
      from: 1,
    },
  ])('$name', ({ after, from, first }) => {
    expect(start(after, first)).toBe(from);
  });
});
