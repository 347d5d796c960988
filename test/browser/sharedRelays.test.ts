import { afterEach, expect } from '@jest/globals';
import { formatInvite, parseInvite } from '../../src/index.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import { run, rxchat } from '../e2e/support/child.js';
import { startStore, storeFlags } from '../e2e/support/sharedStore.js';
import { withNats } from '../support/withNats.js';
import {
  inChromium,
  joinPage,
  messageRow,
  openBrowser,
  sendMessage,
  startWebRelay,
} from './support/chromium.js';

const test = withNats('pages at several relays are not tested');
afterEach(cleanUp);

inChromium('pages of two relays that share rooms', () => {
  test('show the same room, also after the relay of a page was killed and restarted', async () => {
    const flags = storeFlags(await startStore());
    const [first, second] = await Promise.all([startWebRelay(...flags), startWebRelay(...flags)]);
    const alice = await joinPage(await openBrowser(), first.page, 'alice');
    const invite = parseInvite(alice.url());
    const link = formatInvite({ ...invite, port: Number(new URL(second.page).port) });
    const bob = await joinPage(await openBrowser(), link, 'bob');
    await sendMessage(alice, 'from the first relay');
    await messageRow(bob, 'from the first relay').waitFor();
    await sendMessage(bob, 'from the second relay');
    await messageRow(alice, 'from the second relay').waitFor();

    first.child.signal('SIGKILL');
    await first.child.exit;
    await sendMessage(bob, 'while alice is away');
    await first.restart();
    await messageRow(alice, 'while alice is away').waitFor();

    const { secret, host } = invite;
    const text = formatInvite({ host, secret, port: second.port });
    const listener = rxchat(['listen', text, '--after', '0', '-n', '4']);
    expect((await run(['send', text, '--nick', 'carol', '-m', 'from a terminal'])).code).toBe(0);
    expect(await listener.exit).toBe(0);
    expect(listener.out.lines.map((line) => line.replace(/^\S+: /, ''))).toStrictEqual([
      'from the first relay',
      'from the second relay',
      'while alice is away',
      'from a terminal',
    ]);
    await messageRow(alice, 'from a terminal').waitFor();
  });
});
