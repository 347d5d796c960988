import { describe, expect, test } from '@jest/globals';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import {
  bytesFlag,
  choiceFlag,
  flagName,
  type Flags,
  integerFlag,
  formatExactDuration,
  pastTimeFlag,
  durationFlag,
  stringFlag,
} from '../../../../src/cli/args/flags.js';

/** Returns the message of a usage error. */
const usage = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    expect((error as CliError).exitCode).toBe(Exit.usage);
    return (error as CliError).message;
  }
  throw new Error('was taken');
};

describe('flagName', () => {
  test.each([
    ['host', '--host'],
    ['fernetEngine', '--fernet-engine'],
    ['aBC', '--a-b-c'],
    ['m', '-m'],
  ])('formats %s as %s', (key, name) => {
    expect(flagName(key)).toBe(name);
  });
});

describe('stringFlag', () => {
  test('returns the value, or undefined when the flag is absent', () => {
    expect(stringFlag({ inviteFile: 'room.txt' }, 'inviteFile')).toBe('room.txt');
    expect(stringFlag({ inviteFile: '--x' }, 'inviteFile')).toBe('--x');
    expect(stringFlag({}, 'inviteFile')).toBeUndefined();
  });

  test.each([[''], [true], [7], [['a', 'b']], [null]])('rejects %p', (value) => {
    expect(usage(() => stringFlag({ inviteFile: value }, 'inviteFile'))).toBe('--invite-file needs a value');
  });
});

describe('integerFlag', () => {
  const port = (value: unknown) => integerFlag({ port: value }, 'port', 1, 65_535);

  test('accepts integers of its range, including both ends', () => {
    expect([port(1), port(4000), port(65_535), port(undefined)]).toStrictEqual([1, 4000, 65_535, undefined]);
    expect(integerFlag({ port: 0 }, 'port', 0, 65_535)).toBe(0);
  });

  test.each([0, -1, 65_536, 1.5, NaN, Infinity, -Infinity, '4000', '', [1, 2], null, true])(
    'rejects %p, and says what it needs',
    (value) => {
      expect(usage(() => port(value))).toBe('--port needs a whole number from 1 to 65535');
    },
  );
});

describe('choiceFlag', () => {
  const engine = (flags: Flags) => choiceFlag(flags, 'fernetEngine', ['node', 'fernet']);

  test('accepts its words, and returns the first by default', () => {
    expect(engine({ fernetEngine: 'fernet' })).toBe('fernet');
    expect(engine({ fernetEngine: 'node' })).toBe('node');
    expect(engine({})).toBe('node');
  });

  test.each(['Node', 'nod', 'node ', 'toString', '__proto__'])('rejects %p, and lists the words', (value) => {
    expect(usage(() => engine({ fernetEngine: value }))).toBe('--fernet-engine is one of node, fernet');
  });

  test('requires a value', () => {
    expect(usage(() => engine({ fernetEngine: '' }))).toBe('--fernet-engine needs a value');
  });
});

describe('bytesFlag', () => {
  const window = (value: unknown, min = 1, max = 2 ** 40) => bytesFlag({ window: value }, 'window', min, max);

  const sizes: [string, number][] = [
    ['262144', 262_144],
    ['1', 1],
    ['5b', 5],
    ['256k', 262_144],
    ['256K', 262_144],
    ['256kB', 262_144],
    ['256KiB', 262_144],
    ['16m', 16_777_216],
    ['16MiB', 16_777_216],
    ['16mb', 16_777_216],
    ['1G', 1_073_741_824],
    ['1GiB', 1_073_741_824],
    ['1024GiB', 2 ** 40],
  ];
  test.each(sizes)('parses %s as %i bytes', (value, size) => {
    expect(window(value)).toBe(size);
  });

  test('returns undefined when the flag is absent', () => {
    expect(window(undefined)).toBeUndefined();
  });

  test('accepts sizes of its range, including both ends', () => {
    expect(window('256k', 262_144, 524_288)).toBe(262_144);
    expect(window('512k', 262_144, 524_288)).toBe(524_288);
    const message = '--window needs a size from 262144 to 524288 bytes, such as 16MiB';
    for (const value of ['262143', '524289', '1g'])
      expect(usage(() => window(value, 262_144, 524_288))).toBe(message);
  });

  const wrong = [
    'x',
    '5ib',
    '-1',
    '+1',
    '1.5m',
    '1e6',
    '0x10',
    '16 MiB',
    ' 16m',
    '16m ',
    '16t',
    '16mm',
    'MiB',
    'NaN',
    '１６m',
  ];
  test.each(wrong)('rejects %p, and says what it needs', (value) => {
    expect(usage(() => window(value))).toContain('--window needs a size from 1 to');
  });

  test('rejects a size with more digits than a number has', () => {
    expect(usage(() => window('9'.repeat(400)))).toContain('--window needs a size');
  });
});

describe('durationFlag', () => {
  test.each([
    ['30d', 2_592_000_000],
    ['90s', 90_000],
    ['90', 90_000],
    ['2w', 1_209_600_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['250ms', 250],
    ['0', 0],
  ])('parses %s as %d ms', (value, ms) => {
    expect(durationFlag({ keep: value }, 'keep', 0, 1e12)).toBe(ms);
  });

  test('returns undefined when the flag is absent', () => {
    expect(durationFlag({}, 'keep', 0, 1)).toBeUndefined();
  });

  test.each(['30 d', '-1s', '1.5h', 'd', '1y', '9'.repeat(20), '31d', '999ms'])('rejects %s', (value) => {
    expect(usage(() => durationFlag({ keep: value }, 'keep', 1000, 2_592_000_000))).toBe(
      '--keep needs a time from 1 s to 30 d, such as 30s or 7d',
    );
  });

  test('formats a duration in the largest unit that fits', () => {
    expect([0, 100, 1500, 60_000, 86_400_000].map(formatExactDuration)).toStrictEqual([
      '0 ms',
      '100 ms',
      '1500 ms',
      '1 m',
      '1 d',
    ]);
  });
});

describe('pastTimeFlag', () => {
  const now = new Date(2026, 10, 29, 15, 30).getTime();
  const at = (since: string) => pastTimeFlag({ since }, 'since', now);

  test('accepts a duration ago, or a local time', () => {
    expect(at('10m')).toBe(now - 600_000);
    expect(at('1h30m')).toBe(now - 5_400_000);
    expect(at('90')).toBe(now - 90_000);
    expect(at('today')).toBe(new Date(2026, 10, 29).getTime());
    expect(at('yesterday')).toBe(new Date(2026, 10, 28).getTime());
    expect(at('2026-03-01')).toBe(new Date(2026, 2, 1).getTime());
    expect(at('2026-11-29T08:30')).toBe(new Date(2026, 10, 29, 8, 30).getTime());
    expect(at('2026-11-29 08:30:15')).toBe(new Date(2026, 10, 29, 8, 30, 15).getTime());
    expect(at('2026-11-28T08:30Z')).toBe(Date.UTC(2026, 10, 28, 8, 30));
    expect(at('2026-11-28T08:30+02:00')).toBe(Date.UTC(2026, 10, 28, 6, 30));
    expect(pastTimeFlag({}, 'since', now)).toBeUndefined();
  });

  test.each([
    '',
    'monday',
    '-5m',
    '1h-30m',
    '30m1',
    '2026-02-31',
    '2026-13-01',
    '2026-11-29T25:00',
    '2027-01-01',
    '08:30',
  ])('rejects %j', (since) => {
    expect(usage(() => at(since))).toMatch(/^--since needs a (time in the past|value)/);
  });
});
