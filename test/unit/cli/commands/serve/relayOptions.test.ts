import { describe, expect, test } from '@jest/globals';
import { CliError } from '../../../../../src/cli/process/exit.js';
import type { Flags } from '../../../../../src/cli/args/flags.js';
import { stateDir } from '../../../../../src/cli/process/environment.js';
import { historyOptionsFromFlags } from '../../../../../src/cli/commands/serve/relayOptions.js';

const refused = (flags: Flags): string => {
  try {
    historyOptionsFromFlags(flags);
  } catch (error) {
    return (error as CliError).message;
  }
  throw new Error('was taken');
};

describe('the history options of serve', () => {
  test('default to a synced store on disk for 30 days, 64 MiB per room and 1 GiB in all', () => {
    expect(historyOptionsFromFlags({ data: '/d' })).toStrictEqual({
      dir: '/d',
      durability: 'disk',
      retention: { maxAgeMs: 2_592_000_000, maxBytes: 67_108_864, maxTotalBytes: 1_073_741_824 },
      trustClock: false,
    });
    expect(historyOptionsFromFlags({})?.dir).toBe(`${stateDir()}/relay`);
  });

  test('follow the flags', () => {
    const flags = {
      data: '/d',
      durability: 'os',
      keep: '7d',
      keepEntries: 9,
      keepBytes: '1m',
      keepTotal: '2m',
      trustClock: true,
    };
    expect(historyOptionsFromFlags(flags)).toStrictEqual({
      dir: '/d',
      durability: 'os',
      retention: { maxAgeMs: 604_800_000, maxBytes: 1_048_576, maxTotalBytes: 2_097_152, maxEntries: 9 },
      trustClock: true,
    });
  });

  test.each<Flags>([{ memory: true }, { durability: 'memory' }, { memory: true, durability: 'memory' }])(
    'disable the store with %p',
    (flags) => {
      expect(historyOptionsFromFlags(flags)).toBeUndefined();
    },
  );

  test.each<[Flags, string]>([
    [{ memory: true, keep: '1d' }, '--keep has no effect with --memory'],
    [{ durability: 'memory', keepEntries: 5 }, '--keep-entries has no effect with --durability memory'],
    [{ memory: true, durability: 'os' }, '--memory and --durability os exclude each other'],
    [{ durability: 'tape' }, '--durability is one of disk, os, memory'],
    [{ keepEntries: 0 }, '--keep-entries needs a whole number from 1 to 9007199254740991'],
  ])('reject %p', (flags, message) => {
    expect(refused(flags)).toBe(message);
  });
});
