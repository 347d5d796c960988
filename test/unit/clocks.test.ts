import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Every use of the time of day, and why it is none of a span. Somebody may set that clock at any moment. For spans use a
 * timer, `performance.now()` or `monotonicNow` of the platform.
 */
const TIMES_OF_DAY: Readonly<Record<string, string>> = {
  'src/browser/browserPlatform.ts: Date.now': 'the time of messages',
  'src/browser/browserResume.ts: Date.now': 'goes on while the machine sleeps; a set clock costs a PING',
  'src/classic/client.ts: asyncScheduler.now': 'the time in a token',
  'src/classic/heardFormat.ts: asyncScheduler.now': 'the time that is shown',
  'src/cli/chat/openSitting.ts: Date.now': 'the time that is shown; comings are gathered by it for a second',
  'src/cli/chat/sitting.ts: Date.now': 'the time that is shown',
  'src/cli/commands/listen.ts: Date.now': 'what --since counts back from',
  'src/cli/newestTimes.ts: Date.now':
    'compared with the times of messages; what is due after a minute is due after a step too',
  'src/cli/people.ts: Date.now': 'when a key was first seen',
  'src/cli/serveTls.ts: Date.now': 'whether a certificate is valid today',
  'src/cli/spool.ts: Date.now': 'the time of messages',
  'src/history/lmdbHistory.ts: Date.now': 'the time of entries; retention goes by a monotonic clock',
  'src/identity/knownKeys.ts: Date.now': 'when a key was first seen',
  'src/nodePlatform.ts: Date.now': 'the time of messages',
  'src/page/chat.ts: Date.now': 'when the next attempt comes, as it is shown',
  'src/page/timeline.ts: Date.now': 'which day it is',
  'src/testing/fakePlatform.ts: asyncScheduler.now': 'virtual time',
  'src/testing/virtualLink.ts: asyncScheduler.now': 'virtual time',
  'src/tls/ownCertificate.ts: new Date()': 'until when a certificate is valid',
  'streams/relay/tokenBucket.ts: asyncScheduler.now':
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
