import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run, rxchat, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { hasPrlimit } from './support/faults/disks.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const limits = await hasPrlimit();
if (!limits) console.warn('SKIPPED: a backup on a full disk, which needs prlimit');

describe('rxchat backup', () => {
  test('copies the store of a relay that stores messages meanwhile', async () => {
    const [data, target] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
    const relay = await startRelay('--data', data);
    const room = newRoom(relay.port);
    const listener = rxchat(['listen', room.text]);
    const sender = rxchat(['send', room.text, '--nick', 'alice', '--quiet']);
    let lines = 0;
    const timer = setInterval(() => sender.writeInput(`line ${(lines += 1)}\n`), 1);
    try {
      await listener.out.until(lineWith('alice: line 1'));
      const { code, out, err } = await runShared(['backup', '--data', data, target]);
      expect([code, err]).toStrictEqual([0, '']);
      expect(out).toMatch(/^\S+backup is a complete backup: 1 room, \d+ entries, \d+ bytes\n$/);
    } finally {
      clearInterval(timer);
    }
    const checked = await runShared(['check', '--data', target]);
    expect([checked.code, checked.out]).toStrictEqual([0, expect.stringContaining('is intact: 1 room')]);
    // The relay goes on.
    await listener.out.until(lineWith(`alice: line ${lines}`));
  });

  test('contains the certificate of the relay with its key, and its bans', async () => {
    const [data, target] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
    await startRelay('--data', data, '--tls');
    expect((await runShared(['admin', 'ban', '192.0.2.7', '--data', data])).code).toBe(0);
    const { code, out } = await runShared(['backup', '--data', data, target]);
    expect([code, out]).toStrictEqual([
      0,
      expect.stringMatching(/0 bytes, and the certificate of the relay with its key, and the bans\n$/),
    ]);
    expect(readdirSync(target).sort()).toStrictEqual(['VERSION', 'bans.json', 'rooms.mdb', 'tls.pem']);
  });

  test.each([
    ['without a directory', [], 'no directory for the backup given'],
    ['without a store', ['--data', '/dev/null/none', 'target'], 'cannot read the history in /dev/null/none'],
  ])('%s exits 2 with one line', async (_, args, reason) => {
    const { code, out, err } = await runShared(['backup', ...args]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(/^rxchat: [^\n]+\n(rxchat: hint: [^\n]+\n)?$/);
    expect(err).toContain(reason);
  });

  (limits ? test : test.skip)('on a full disk exits 2 with one line, and leaves no store', async () => {
    const [data, target] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
    await startRelay('--data', data);
    mkdirSync(target);
    const { code, err } = await run(['backup', '--data', data, target], {
      wrapper: ['prlimit', '--fsize=4096'],
    });
    expect([code, err]).toStrictEqual([
      2,
      expect.stringMatching(
        /^rxchat: cannot store the history in \S+backup: [^\n]+\nrxchat: hint: free disk space[^\n]+\n$/,
      ),
    ]);
    expect(existsSync(target) && readdirSync(target)).toStrictEqual([]);
  });
});
