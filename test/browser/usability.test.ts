import { afterEach, expect, test } from '@jest/globals';
import { run } from '../e2e/support/child.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import { joinRaw, sealAs } from '../e2e/support/rawClient.js';
import { newRoom } from '../e2e/support/relay.js';
import {
  messageRow,
  inChromium,
  joinPage,
  waitUntilOnline,
  openBrowser,
  sendMessage,
  startWebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

/** Resolves to the number of connections that the page opens within this event, once it waits for its relay. */
const beginsAt = (act: string) => `new Promise((resolve) => {
  const look = () => {
    if (!document.querySelector('#state.offline')) return;
    observer.disconnect();
    const before = opened;
    ${act};
    resolve([opened - before, document.querySelector('#state').textContent, document.querySelector('#retry').hidden]);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.querySelector('#state'), { attributes: true, childList: true });
  look();
})`;

inChromium('the page', () => {
  test('reconnects at once when the network is back, when it becomes visible, and on request', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    await context.addInitScript(`
      const Socket = window.WebSocket;
      window.opened = 0;
      window.WebSocket = class extends Socket { constructor(...given) { super(...given); window.opened += 1; } };
    `);
    const alice = await joinPage(context, relay.page, 'alice');
    expect(await alice.isVisible('#retry')).toBe(false);
    relay.child.signal('SIGKILL');
    await relay.child.exit;
    for (const act of [
      `window.dispatchEvent(new Event('online'))`,
      `document.dispatchEvent(new Event('visibilitychange'))`,
      `document.querySelector('#retry').click()`,
    ])
      expect(await alice.evaluate(beginsAt(act))).toStrictEqual([1, 'connecting…', true]);
    await relay.restart();
    await waitUntilOnline(alice);
  });

  test('keeps the draft over a reload until it is sent', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    await alice.fill('#composer-text', 'not yet\nsaid');
    await alice.reload();
    await waitUntilOnline(alice);
    expect(await alice.inputValue('#composer-text')).toBe('not yet\nsaid');
    await alice.press('#composer-text', 'Enter');
    await messageRow(alice, 'not yet').locator('.mark', { hasText: 'stored' }).waitFor();
    await alice.reload();
    await waitUntilOnline(alice);
    expect(await alice.inputValue('#composer-text')).toBe('');
  });

  test('shows the topic in its title, days between messages, joins in one row, and marks mentions', async () => {
    const relay = await startWebRelay();
    const room = newRoom(relay.port);
    const context = await openBrowser();
    await context.addInitScript('const { now } = Date; Date.now = () => now() + 172_800_000;');
    const alice = await joinPage(context, `${relay.page}${new URL(room.text).hash}`, 'alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(sealAs(bob, 'topic', 'tea\n<b>'), sealAs(bob, 'me', 'greets Alice, and nobody else'));
    const greeting = messageRow(alice, 'greets');
    await greeting.waitFor();
    expect(await alice.title()).toBe('tea\u240a<b> - rxchat');
    expect(await alice.textContent('#title')).toBe('tea\u240a<b>');
    expect(await greeting.getAttribute('class')).toBe('message mention');
    expect(await messageRow(alice, 'set the topic').getAttribute('class')).toBe('message');
    // The clock of the page shows the day after tomorrow.
    expect(await messageRow(alice, 'set the topic').getAttribute('data-day')).toMatch(
      /^\w{3}, \d+ \w+ \d{4}$/,
    );
    expect(await greeting.getAttribute('data-day')).toBe(null);
    await sendMessage(alice, 'today');
    await messageRow(alice, 'today').locator('.mark', { hasText: 'stored' }).waitFor();
    expect(await messageRow(alice, 'today').getAttribute('data-day')).toMatch(/^\w{3}, \d+ \w+ \d{4}$/);

    for (const nick of ['carol', 'dave'])
      await run(['send', alice.url(), '--nick', nick, '-m', 'x', '--timeout', '40s']);
    await alice.locator('#log .presence', { hasText: 'carol left' }).waitFor();
    const display = `getComputedStyle(document.querySelector('#log .presence')).display`;
    expect(await alice.evaluate(display)).toBe('inline');
  });

  test('completes nicks by the Tab key, and leaves the key alone when nothing matches', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    await joinPage(await openBrowser(), alice.url(), 'Robert');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await alice.fill('#composer-text', 'ro');
    await alice.press('#composer-text', 'Tab');
    expect(await alice.inputValue('#composer-text')).toBe('Robert: ');
    await alice.fill('#composer-text', 'hello ROB');
    await alice.press('#composer-text', 'Tab');
    expect(await alice.inputValue('#composer-text')).toBe('hello Robert ');
    await alice.press('#composer-text', 'Tab');
    expect(await alice.evaluate('document.activeElement.type')).toBe('submit');
  });

  test('accepts a second line on a phone, and closes the member list by Escape and by a tap outside', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser({
      viewport: { width: 360, height: 640 },
      hasTouch: true,
      isMobile: true,
    });
    const alice = await joinPage(context, relay.page, 'alice');
    await alice.focus('#composer-text');
    await alice.keyboard.type('one');
    await alice.keyboard.press('Enter');
    await alice.keyboard.type('two');
    expect(await alice.inputValue('#composer-text')).toBe('one\ntwo');
    await alice.tap('#composer button');
    await messageRow(alice, 'two').waitFor();

    await alice.tap('#members-open');
    await alice.waitForSelector('#members:not([hidden])');
    await alice.keyboard.press('Escape');
    expect(await alice.isVisible('#members')).toBe(false);
    expect(await alice.evaluate('document.activeElement.id')).toBe('members-open');
    await alice.tap('#members-open');
    await alice.touchscreen.tap(20, 300);
    await alice.waitForSelector('#members', { state: 'hidden' });
    expect(await alice.getAttribute('#members-open', 'aria-expanded')).toBe('false');
  });
});
