import { afterEach, expect, test } from '@jest/globals';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../e2e/support/child.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import { runShared } from '../e2e/support/runShared.js';
import {
  inChromium,
  joinPage,
  messageRow,
  openBrowser,
  sendMessage,
  startWebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

inChromium('a page whose relay was restored', () => {
  test('says so, shows what the log still has once, and goes on', async () => {
    const [data, backup] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
    const relay = await startWebRelay('--data', data);
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    for (const text of ['saved 1', 'saved 2']) await sendMessage(alice, text);
    await messageRow(bob, 'saved 2').waitFor();
    expect((await runShared(['backup', backup, '--data', data])).code).toBe(0);
    for (const text of ['lost 1', 'lost 2']) await sendMessage(alice, text);
    await messageRow(bob, 'lost 2').waitFor();

    relay.child.signal('SIGTERM');
    await relay.child.exit;
    renameSync(data, `${data}.old`);
    expect((await runShared(['restore', backup, '--data', data])).code).toBe(0);
    await relay.restart();
    await bob.locator('#log .note', { hasText: 'the relay was restored to an earlier state' }).waitFor();
    await sendMessage(alice, 'after');
    await messageRow(bob, 'after').waitFor();
    await messageRow(bob, 'saved 1').waitFor();
    const texts = await bob.locator('#log .message .text').allTextContents();
    expect(texts).toStrictEqual(['saved 1', 'saved 2', 'after']);
  });
});
