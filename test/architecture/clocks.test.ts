import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Every use of the time of day, and the reason why it measures no duration. Anyone may set that clock at any moment.
 * For durations use a timer, `performance.now()` or `monotonicNow` of the platform.
 */
const TIMES_OF_DAY: Readonly<Record<string, string>> = {
  'src/browser/keyRoomPlatform.ts: Date.now':
    'the time of messages; the wake-up detection, which continues while the machine sleeps, and a set clock costs a PING',
  'src/cli/classic/clientFromFlags.ts: asyncScheduler.now': 'the time in a token',
  'src/cli/classic/join.ts: asyncScheduler.now': 'the time that is shown',
  'src/cli/classic/listen.ts: asyncScheduler.now': 'the time that is shown',
  'src/cli/commands/join/chat/openTerminalChat.ts: Date.now':
    'the time that is shown; comings are gathered by it for a second',
  'src/cli/commands/join/chat/terminalChat.ts: Date.now': 'the time that is shown',
  'src/cli/commands/listen/listen.ts: Date.now': 'what --since counts back from',
  'src/cli/shared/contacts.ts: Date.now':
    'when a key was first seen; compared with the times of messages; what is due after a minute is due after a step too',
  'src/cli/commands/serve/admin/serveAdmin.ts: Date.now': 'the time in the audit log',
  'src/cli/commands/serve/endpoints.ts: Date.now': 'whether a certificate is valid today',
  'src/cli/shared/spool.ts: Date.now': 'the time of messages',
  'src/history/cache/openRecordCache.ts: Date.now': 'how old the file of a cache is that no relay uses',
  'src/history/cache/recordCache.ts: Date.now':
    'which copies have expired, by the times that the store gave them; a wrong clock costs copies, or keeps them on the disk',
  'src/history/lmdbHistory.ts: Date.now': 'the time of entries; retention goes by a monotonic clock',
  'src/history/store/lock.ts: Date.now':
    'how old the file is that a process left which was killed as it removed a stale socket; set back, it stays longer',
  'src/identity/knownKeys.ts: Date.now': 'when a key was first seen',
  'src/node/nodePlatform.ts: Date.now': 'the time of messages',
  'src/page/chat.ts: Date.now': 'when the next attempt comes, as it is shown',
  'src/page/timeline.ts: Date.now': 'which day it is',
  'src/testing/fakePlatform.ts: asyncScheduler.now': 'virtual time',
  'src/testing/connections.ts: asyncScheduler.now': 'virtual time',
  'src/nats/pageComparison.ts: Date.now':
    'which records are about to expire, by the times that the store gave them',
  'src/net/tls/certificate.ts: new Date()': 'until when a certificate is valid',
  'streams/rx/tokenBucket.ts: asyncScheduler.now':
    'virtual time in tests; a clock that is set back fills no bucket, one that is set forward fills it once',
};

test('the time of day is used for these, and no other', () => {
  const found = ['src', 'streams'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => {
        const code = readFileSync(join(root, folder, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '');
        return Array.from(
          code.matchAll(/\bDate\.now\b|\bnew Date\(\)|\basyncScheduler\.now\b/g),
          ([what]) => `${folder}/${name}: ${what}`,
        );
      }),
  );
  expect([...new Set(found)].sort()).toStrictEqual(Object.keys(TIMES_OF_DAY).sort());
});
