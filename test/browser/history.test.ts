import { afterEach, expect, test } from '@jest/globals';
import { bufferCount, filter, lastValueFrom, map, range, take } from 'rxjs';
import { parseInvite, room } from '../../src/index.js';
import { endAll } from '../e2e/support/endings.js';
import { heard, inChromium, joinPage, openBrowser, say, startWebRelay } from './support/chromium.js';

afterEach(endAll);

const MESSAGES = 10_000;
const IN_EACH = 4;

inChromium('a page with 10 000 messages of history', () => {
  test('has few of them in the page, and reads back to the first by scrolling, while the room goes on', async () => {
    const relay = await startWebRelay('--lines-per-second', '0');
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const { secret } = parseInvite(alice.url());
    const invite = { host: '127.0.0.1', port: relay.port, secret };
    const say$ = range(1, MESSAGES).pipe(
      map((n) => `message ${n}.`),
      bufferCount(IN_EACH),
      map((lines) => ({ lines })),
    );
    await lastValueFrom(
      say$.pipe(
        room(invite, { nick: 'writer' }),
        filter(({ type }) => type === 'stored'),
        take(MESSAGES / IN_EACH),
      ),
    );

    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    await heard(bob, `message ${MESSAGES}.`).waitFor();
    const log = bob.locator('#log');
    let most = 0;
    const first = bob.locator('#log .message .text').getByText('message 1.', { exact: true });
    while (!(await first.isVisible())) {
      most = Math.max(most, await bob.locator('#log > *').count());
      // Whatever is read meanwhile: what stands next to each other was said one after the other.
      const numbers = (await bob.locator('#log .message .text').allTextContents()).map((text) =>
        Number(text.slice(8, -1)),
      );
      expect(numbers).toStrictEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
      await log.evaluate((element: { scrollTop: number }) => {
        element.scrollTop = 0;
      });
    }
    expect(most).toBeLessThanOrEqual(300);
    // What stands there is in order, and the reader is left where they are while somebody speaks.
    const texts = await bob.locator('#log .message .text').allTextContents();
    expect(texts).toStrictEqual(texts.map((_, at) => `message ${at + 1}.`));
    await say(alice, 'news');
    await bob.locator('#latest').waitFor();
    expect(await first.isVisible()).toBe(true);
    await bob.click('#latest');
    await heard(bob, 'news').waitFor();
    // To look back is to come again, which nobody else is told.
    expect(await alice.locator('#log .note', { hasText: 'bob left' }).count()).toBe(0);
    await say(bob, 'I have read it all');
    await heard(alice, 'I have read it all').waitFor();
  });
});
