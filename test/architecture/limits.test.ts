import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { historyOptionsFromFlags, limitsFromFlags } from '../../src/cli/commands/serve/relayOptions.js';
import { limitFlags, serveFlags } from '../../src/cli/serveFlags.js';

const limits = readFileSync('docs/limits.md', 'utf8');
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Defaults in the tables by the key of their flag, as a command line has them: `10 000` as 10000, `30 d` as 30d. */
const documented = new Map(
  Array.from(limits.matchAll(/^\|[^|]+\| `--([a-z-]+)` +\| ([^|]+?) +\|/gm), ([, name = '', value = '']) => [
    name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    value.replaceAll(' ', ''),
  ]),
);
/** What a table has as the default of a flag that is no limit unless it is given. */
const NO_LIMIT = ['all', 'everyone'];

describe('the tables of docs/limits.md', () => {
  test('have all limits of serve', () => {
    const missing = Object.keys(limitFlags).filter((key) => !documented.has(key));
    expect(missing).toStrictEqual([]);
    for (const key of ['keep', 'keepEntries', 'keepBytes', 'keepTotal'])
      expect(documented.has(key)).toBe(true);
  });

  test.each([...documented])('have the default of %s that the help has: %s', (key, value) => {
    const flag = serveFlags[key];
    expect({ key, exists: flag !== undefined }).toStrictEqual({ key, exists: true });
    const [, inHelp] = /\(default ([^;)]+)/.exec(flag?.help ?? '') ?? [];
    expect(inHelp).toBe(NO_LIMIT.includes(value) ? undefined : value);
  });

  test('have the defaults that serve uses', () => {
    const flags = Object.fromEntries(
      [...documented]
        .filter(([, value]) => !NO_LIMIT.includes(value))
        .map(([key, value]) => [key, serveFlags[key]?.type === 'number' ? Number(value) : value]),
    );
    /** A rate per address that is given applies to loopback too. */
    const withoutExemptions = (given: unknown): unknown =>
      JSON.parse(JSON.stringify(given, (key, value: unknown) => (key === 'isExempt' ? undefined : value)));
    expect(withoutExemptions(limitsFromFlags(flags))).toStrictEqual(withoutExemptions(limitsFromFlags({})));
    expect(historyOptionsFromFlags(flags)).toStrictEqual(historyOptionsFromFlags({}));
  });
});

/** Limits without a flag: what the document says, and the constant in the source. */
const CONSTANTS: readonly (readonly [text: string, value: number, file: string, name: string])[] = [
  ['| 5 joins ', 5, 'streams/relay/connection/joinPolicy.ts', 'INVALID_PROOF_COST'],
  ['| 4096 bytes ', 4096, 'streams/relay/connection/serverConnection.ts', 'MAX_HELLO_BYTES'],
  ['headers above 8 KiB get `431`', 8192, 'src/net/web/listenWeb.ts', 'MAX_HEADER_BYTES'],
  [
    '| 64 KiB                     | closed with 1009',
    65_536,
    'src/net/websocket/webSocketConnection.ts',
    'MAX_FRAME_BYTES',
  ],
  ['| 8                          | closed; a request', 8, 'src/admin/listenAdmin.ts', 'MAX_SOCKETS'],
  ['a request above 4 KiB', 4096, 'src/admin/protocol.ts', 'MAX_REQUEST_BYTES'],
  ['| 10 000                     | `rxchat admin ban` fails', 10_000, 'src/admin/bans.ts', 'MAX_BANS'],
  ['was connected for ten seconds', 10_000, 'streams/relay/roomConnections.ts', 'MIN_STAY_MS'],
  ['for its address for ten minutes', 600_000, 'streams/relay/connection/joinPolicy.ts', 'RESERVATION_MS'],
  ['the last quarter of the burst', 0.25, 'streams/relay/connection/joinPolicy.ts', 'RESERVED_SHARE'],
  ['An idle HTTP connection is kept for 5 s', 5000, 'src/net/web/listenWeb.ts', 'KEEP_ALIVE_MS'],
  ['or 30 s if the client does not read it', 30_000, 'src/net/web/listenWeb.ts', 'IDLE_TIMEOUT_MS'],
  [
    'at most 1 MiB of unread data',
    1_048_576,
    'src/net/websocket/webSocketConnection.ts',
    'MAX_BUFFERED_BYTES',
  ],
  ['500 messages without a receipt', 500, 'src/page/roomConnection.ts', 'MAX_PENDING'],
  ['50 000 messages in memory', 50_000, 'src/page/rowOrder.ts', 'MAX_ROWS'],
  ['and 200 in the document', 200, 'src/page/timeline.ts', 'MAX_VISIBLE_ROWS'],
  ['a text above 32 KiB', 32_768, 'streams/client/send/batchLines.ts', 'MAX_MESSAGE_BYTES'],
  ['`--keep-total` divided by 16 KiB', 16_384, 'src/history/maintenance/retention.ts', 'MIN_SHARE_BYTES'],
  ['but at least 64', 64, 'src/history/maintenance/retention.ts', 'MIN_ROOMS'],
  ['its entries and 1 KiB', 1024, 'src/history/maintenance/retention.ts', 'ROOM_OVERHEAD_BYTES'],
  ['| 7 d     | deleted', 604_800_000, 'src/history/maintenance/sweepRooms.ts', 'EMPTY_ROOM_TTL_MS'],
  ['an eighth of `--keep-total`', 1 / 8, 'src/history/lmdbHistory.ts', 'EARLY_SWEEP_PART'],
  ['read from the engine (16 MiB)', 16_777_216, 'streams/relay/cluster/blockCache.ts', 'DEFAULT_CACHE_BYTES'],
  ['16 rooms read at a time', 16, 'streams/relay/cluster/fetchQueue.ts', 'MAX_FETCHES'],
];

/** Returns the number that a constant of a source file has. */
const constantOf = (file: string, name: string): number => {
  const [, product] =
    new RegExp(`const ${name}(?:: number)? = ([\\d_*/. ]+);`).exec(readFileSync(file, 'utf8')) ?? [];
  return (product ?? '')
    .replaceAll('_', '')
    .split(/ (?=[*/] )/)
    .reduce((result, part) => {
      const [, operator, factor] = /^([*/]?) ?([\d.]+)$/.exec(part) ?? [];
      return operator === '/' ? result / Number(factor) : result * Number(factor);
    }, 1);
};

test.each(CONSTANTS)('docs/limits.md says "%s", which is %d in %s', (text, value, file, name) => {
  expect(limits.replaceAll(/\s+/g, ' ')).toContain(text.replaceAll(/\s+/g, ' '));
  expect(constantOf(file, name)).toBe(value);
});

test('docs/limits.md has rooms of --keep-total divided by the share of a room', () => {
  const rooms = 2 ** 30 / constantOf('src/history/maintenance/retention.ts', 'MIN_SHARE_BYTES');
  expect(limits).toMatch(
    new RegExp(`^\\| rooms +\\| none +\\| ${String(rooms).replace(/(?=...$)/, ' ')} `, 'm'),
  );
});

test('each measured table of docs/limits.md has the command that measures it before it', () => {
  const commands = limits
    .split(/^(?=\|[^\n]*\n\| *-)/m)
    .slice(1)
    .map((table, index, tables) => {
      const [header = ''] = table.split('\n');
      const isMeasured =
        /^\| [^|]*(?:connections |Stored rooms|While|Length of a message)/.test(header) &&
        !header.includes('Flag');
      const before = (tables[index - 1] ?? limits).split('\n\n').at(-2) ?? '';
      return { header, isMeasured, script: /npm run (bench:\w+)/.exec(before)?.[1] };
    })
    .filter(({ isMeasured }) => isMeasured);
  expect(commands.map(({ script }) => script)).toStrictEqual([
    'bench:memory',
    'bench:rooms',
    'bench:disk',
    'bench:storm',
  ]);
  for (const { script = '' } of commands) expect(Object.keys(scripts)).toContain(script);
});
