import { afterEach, expect, test } from '@jest/globals';
import { bufferCount, filter, lastValueFrom, map, range, take } from 'rxjs';
import { parseInvite, joinRoom } from '../../src/index.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import {
  messageRow,
  inChromium,
  joinPage,
  openBrowser,
  sendMessage,
  startWebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

const MESSAGES = 10_000;
const IN_EACH = 4;

inChromium('a page with 10 000 messages of history', () => {
  test('renders only a part of the messages, and scrolls back to the first while the room continues', async () => {
    const relay = await startWebRelay('--lines-per-second', '0');
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const { secret } = parseInvite(alice.url());
    const invite = { host: '127.0.0.1', port: relay.port, secret };
    const outgoing$ = range(1, MESSAGES).pipe(
      map((n) => `message ${n}.`),
      bufferCount(IN_EACH),
      map((lines) => ({ lines })),
    );
    await lastValueFrom(
      outgoing$.pipe(
        joinRoom(invite, { nick: 'writer' }),
        filter(({ type }) => type === 'stored'),
        take(MESSAGES / IN_EACH),
      ),
    );

    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    await messageRow(bob, `message ${MESSAGES}.`).waitFor();
    const log = bob.locator('#log');
    let most = 0;
    const first = bob.locator('#log .message .text').getByText('message 1.', { exact: true });
    while (!(await first.isVisible())) {
      most = Math.max(most, await bob.locator('#log > *').count());
      // Neighbouring messages were sent one after the other, whatever is read meanwhile.
      const numbers = (await bob.locator('#log .message .text').allTextContents()).map((text) =>
        Number(text.slice(8, -1)),
      );
      expect(numbers).toStrictEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
      await log.evaluate((element: { scrollTop: number }) => {
        element.scrollTop = 0;
      });
    }
    expect(most).toBeLessThanOrEqual(300);
    // The messages are in order, and the scroll position stays while a member sends.
    const texts = await bob.locator('#log .message .text').allTextContents();
    expect(texts).toStrictEqual(texts.map((_, at) => `message ${at + 1}.`));
    await sendMessage(alice, 'news');
    await bob.locator('#latest').waitFor();
    expect(await first.isVisible()).toBe(true);
    await bob.click('#latest');
    await messageRow(bob, 'news').waitFor();
    // The page reconnects to read older messages, and the others see no join.
    expect(await alice.locator('#log .note', { hasText: 'bob left' }).count()).toBe(0);
    await sendMessage(bob, 'I have read it all');
    await messageRow(alice, 'I have read it all').waitFor();
  });
});
