import { describe, expect, test } from '@jest/globals';
import { CliError } from '../../src/cli/exit.js';
import type { Flags } from '../../src/cli/flags.js';
import { stateDir } from '../../src/cli/stateDir.js';
import { readStore } from '../../src/cli/store.js';

const refused = (flags: Flags): string => {
  try {
    readStore(flags);
  } catch (error) {
    return (error as CliError).message;
  }
  throw new Error('was taken');
};

describe('the store of a relay', () => {
  test('is on disk, written through, for 30 days, 64 MiB a room and 1 GiB in all, where nothing is said', () => {
    expect(readStore({ data: '/d' })).toStrictEqual({
      dir: '/d',
      durability: 'disk',
      keep: { age: 2_592_000_000, bytes: 67_108_864, total: 1_073_741_824 },
      trustClock: false,
    });
    expect(readStore({})?.dir).toBe(`${stateDir()}/relay`);
  });

  test('is as the flags say', () => {
    const flags = {
      data: '/d',
      durability: 'os',
      keep: '7d',
      keepEntries: 9,
      keepBytes: '1m',
      keepTotal: '2m',
      trustClock: true,
    };
    expect(readStore(flags)).toStrictEqual({
      dir: '/d',
      durability: 'os',
      keep: { age: 604_800_000, bytes: 1_048_576, total: 2_097_152, entries: 9 },
      trustClock: true,
    });
  });

  test.each<Flags>([{ memory: true }, { durability: 'memory' }, { memory: true, durability: 'memory' }])(
    'is none with %p',
    (flags) => {
      expect(readStore(flags)).toBeUndefined();
    },
  );

  test.each<[Flags, string]>([
    [{ memory: true, data: '/d' }, 'history in memory alone has no use for --data'],
    [{ durability: 'memory', keepEntries: 5 }, 'history in memory alone has no use for --keep-entries'],
    [{ memory: true, durability: 'os' }, '--memory and --durability os exclude each other'],
    [{ durability: 'tape' }, '--durability is one of disk, os, memory'],
    [{ keepEntries: 0 }, '--keep-entries needs a whole number from 1 to 9007199254740991'],
  ])('%p is refused', (flags, message) => {
    expect(refused(flags)).toBe(message);
  });
});
