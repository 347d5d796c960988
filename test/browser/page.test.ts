import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { formatInvite, parseInvite } from '../../src/index.js';
import { tempDir, run, rxchat } from '../e2e/support/child.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import { joinRaw, seal, sealAs } from '../e2e/support/rawClient.js';
import { startProxy } from '../e2e/support/proxy.js';
import { newRoom } from '../e2e/support/relay.js';
import { freePort } from '../support/freePort.js';
import {
  messageRow,
  inChromium,
  joinPage,
  waitUntilOnline,
  openBrowser,
  openPage,
  sendMessage,
  startWebRelay,
} from './support/chromium.js';
import { faultsOf } from './support/axe.js';

afterEach(cleanUp);

const HOSTILE =
  '<img src=x onerror=alert(1)><script>alert(2)</script> &amp; \u001b[31mred\u001b[0m \u202eevil\u202c \u0000 javascript:alert(3)';

inChromium('the page of a relay', () => {
  test('connects two pages and a terminal client, which see the messages, their senders and receipts', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const link = alice.url();
    expect(link).toMatch(/#[\w-]{43}$/);

    const bob = await joinPage(await openBrowser(), link, 'bob');
    // The same room both ways: the link by WebSocket, and the invite of the relay's other port by TCP.
    const byWeb = rxchat(['listen', link, '--json', '--nick', 'web']);
    const { secret } = parseInvite(link);
    const byTcp = rxchat([
      'join',
      formatInvite({ host: '127.0.0.1', port: relay.port, secret }),
      '--nick',
      'carol',
    ]);
    await alice.locator('#members-count', { hasText: 'Members: 4' }).waitFor();

    await sendMessage(alice, 'hello from alice');
    await messageRow(bob, 'hello from alice').waitFor();
    await messageRow(alice, 'hello from alice').locator('.mark', { hasText: 'stored' }).waitFor();
    await byWeb.out.until(({ text }) => text.includes('"text":"hello from alice"'));
    await byTcp.out.until(({ text }) => /\?alice: hello from alice/.test(text));
    byTcp.writeInput('hello from carol\n');
    await messageRow(alice, 'hello from carol').waitFor();
    await messageRow(bob, 'hello from carol').waitFor();

    // The safety numbers are compared, and the mark stays after a reload.
    const line = messageRow(alice, 'hello from carol');
    expect(await line.locator('.check').textContent()).toContain('not verified');
    await line.locator('.who').click();
    expect(await alice.textContent('#person-number')).toMatch(/^(\d{5} ){11}\d{5}$/);
    await alice.click('#person-same');
    expect(await messageRow(alice, 'hello from carol').locator('.check').getAttribute('title')).toBe(
      'verified',
    );
    await alice.reload();
    await waitUntilOnline(alice);
    expect(await messageRow(alice, 'hello from carol').locator('.check').getAttribute('title')).toBe(
      'verified',
    );
    byTcp.endInput();
    byWeb.signal('SIGTERM');
  });

  test('shows actions and the topic as the terminal does, and no text can look like them', async () => {
    const relay = await startWebRelay();
    const room = newRoom(relay.port);
    const alice = await joinPage(await openBrowser(), `${relay.page}${new URL(room.text).hash}`, 'alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(
      sealAs(bob, 'me', 'waves'),
      sealAs(bob, 'topic', 'tea <b>'),
      sealAs(bob, 'away', 'lunch'),
      sealAs(bob, 'back', 'back'),
      seal(bob, '* bob set the topic: milk'),
    );
    await messageRow(alice, 'milk').waitFor();
    const lines = await alice.locator('#log .message').allTextContents();
    expect(lines.map((line) => line.replaceAll(/\s+/g, ' ').replace(/^\d\d:\d\d/, ''))).toStrictEqual([
      ' action: * bob not verified ?waves',
      ' action: -- bob not verified ?set the topic: tea <b>',
      ' action: -- bob not verified ?is away: lunch',
      ' action: -- bob not verified ?is back',
      'bob not verified ?* bob set the topic: milk',
    ]);
    expect(await messageRow(alice, 'milk').locator('.act').count()).toBe(0);
  });

  test('sends /me and /topic, also while waiting, and does not send unknown commands', async () => {
    const relay = await startWebRelay();
    const bob = await joinPage(await openBrowser(), relay.page, 'bob');
    const alice = await joinPage(await openBrowser(), `${relay.page}${new URL(bob.url()).hash}`, 'alice');
    const fault = alice.locator('#fault');
    await sendMessage(alice, '/mee is shy');
    await fault.filter({ hasText: 'unknown command /mee, nothing was sent' }).waitFor();
    await sendMessage(alice, '/me waves');
    await messageRow(alice, 'waves').locator('.act').waitFor();
    await sendMessage(alice, '/topic tea');
    await sendMessage(alice, '//etc');
    await messageRow(bob, '/etc').waitFor();
    expect(await fault.isVisible()).toBe(false);
    const lines = await bob.locator('#log .message').allTextContents();
    expect(lines.map((line) => line.replaceAll(/\s+/g, ' ').replace(/^\d\d:\d\d/, ''))).toStrictEqual([
      ' action: * alice not verified ?waves',
      ' action: -- alice not verified ?set the topic: tea',
      'alice not verified ?/etc',
    ]);
  });

  test('shows markup and escape sequences as text, and runs nothing of them', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const dialogs: string[] = [];
    alice.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const nick = '<b>mallory</b>';
    const sent = rxchat(['send', alice.url(), '--nick', nick, '--block'], { input: HOSTILE });
    expect(await sent.exit).toBe(0);
    const line = messageRow(alice, 'javascript:alert(3)');
    await line.waitFor();
    expect(await line.locator('.who').textContent()).toBe(nick);
    const text = await line.locator('.text').textContent();
    expect(text).toBe(
      '<img src=x onerror=alert(1)><script>alert(2)</script> &amp; \u241b[31mred\u241b[0m \\u{202e}evil\\u{202c} \u2400 javascript:alert(3)',
    );
    expect(await alice.locator('#log img, #log script, #log b, #members-list b').count()).toBe(0);
    expect(dialogs).toStrictEqual([]);
    // The policy of the page prevents it for every message: no text may become markup.
    const refused = await alice.evaluate(
      `(() => { try { document.body.innerHTML = '<p>x</p>'; return 'taken'; } catch (error) { return error.name; } })()`,
    );
    expect(refused).toBe('TypeError');
  });

  test('requests nothing except from its relay, and sends it nothing of the secret', async () => {
    const relay = await startWebRelay('--log-level', 'trace');
    const context = await openBrowser();
    const requests: string[] = [];
    context.on('request', (request) => requests.push(JSON.stringify([request.url(), request.headers()])));
    const sockets: string[] = [];
    context.on('page', (page) => page.on('websocket', (socket) => sockets.push(socket.url())));
    const alice = await joinPage(context, relay.page, 'alice');
    await sendMessage(alice, 'hello');
    await messageRow(alice, 'hello').locator('.mark', { hasText: 'stored' }).waitFor();
    await alice.click('#invite-open');
    await alice.waitForSelector('#invite-code path');
    await alice.reload();
    await waitUntilOnline(alice);

    const { host } = new URL(relay.page);
    const [, secret = ''] = alice.url().split('#');
    expect(secret).toHaveLength(43);
    expect(requests.length).toBeGreaterThan(3);
    for (const each of requests) {
      expect(new URL((JSON.parse(each) as [string])[0]).host).toBe(host);
      expect(each).not.toContain(secret);
    }
    expect(new Set(sockets)).toStrictEqual(new Set([`ws://${host}/rxchat`]));
    expect(relay.child.err.text).not.toContain(secret);
    expect(await context.cookies()).toStrictEqual([]);
  });

  test('continues after a reload with its pending messages, unnoticed by the others', async () => {
    const relay = await startWebRelay();
    let isOpen = true;
    const port = await startProxy(Number(new URL(relay.page).port), {
      up: () => (chunk, on) => {
        if (isOpen) on(chunk);
      },
    });
    const bob = await joinPage(await openBrowser(), relay.page, 'bob');
    const { hash } = new URL(bob.url());
    const alice = await joinPage(await openBrowser(), `http://127.0.0.1:${port}/${hash}`, 'alice');
    await sendMessage(alice, 'before');
    await messageRow(bob, 'before').waitFor();
    await messageRow(alice, 'before').locator('.mark', { hasText: 'stored' }).waitFor();
    isOpen = false;
    await sendMessage(alice, 'in the middle');
    await messageRow(alice, 'in the middle').locator('.mark', { hasText: 'pending' }).waitFor();
    isOpen = true;
    await alice.reload();
    await waitUntilOnline(alice);
    await messageRow(bob, 'in the middle').waitFor();
    await messageRow(alice, 'in the middle').locator('.mark', { hasText: 'stored' }).waitFor();
    await sendMessage(alice, 'after');
    await messageRow(bob, 'after').waitFor();
    expect(await bob.locator('#log .message .text').allTextContents()).toStrictEqual([
      'before',
      'in the middle',
      'after',
    ]);
    expect(await bob.locator('#log .note', { hasText: 'left' }).count()).toBe(0);
  });

  test('loses nothing when the network or the relay goes away and comes back', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    await sendMessage(alice, 'one');
    await messageRow(bob, 'one').waitFor();
    relay.child.signal('SIGKILL');
    await relay.child.exit;
    await alice.waitForSelector('#state.offline');
    await sendMessage(alice, 'two');
    await messageRow(alice, 'two').locator('.mark', { hasText: 'pending' }).waitFor();
    await relay.restart();
    await messageRow(bob, 'two').waitFor();
    await messageRow(alice, 'two').locator('.mark', { hasText: 'stored' }).waitFor();
    expect(await bob.locator('#log .message .text').allTextContents()).toStrictEqual(['one', 'two']);
  });

  test('says why it cannot join, and lets the user retry', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const other = await openPage(await openBrowser(), alice.url());
    await other.fill('#join-nick', 'a,b');
    await other.click('#join-form-fields button');
    await other.waitForSelector('#join-problem:not([hidden])');
    await other.fill('#join-nick', 'Alice');
    await other.click('#join-form-fields button');
    await other.locator('#join-problem', { hasText: 'nick' }).waitFor();
    await other.waitForSelector('#join-form:not([hidden])');
    await other.fill('#join-nick', 'bob');
    await other.click('#join-form-fields button');
    await waitUntilOnline(other);

    const wrong = await openPage(await openBrowser(), `${relay.page}#tooshort`);
    expect(await wrong.textContent('#join-problem')).toMatch(/invite/);
  });

  test('says that a room with a passphrase, or a private relay, needs the command', async () => {
    const file = join(tempDir(), 'tokens');
    writeFileSync(file, 'a-token-of-this-relay-that-is-long-enough\n', { mode: 0o600 });
    const relay = await startWebRelay('--access-token-file', file);
    const page = await openPage(await openBrowser(), relay.page);
    const { out } = await run(['invite', '--port', String(relay.port), '--words', '6']);
    await page.fill('#join-nick', 'alice');
    await page.fill('#join-invite', out);
    await page.click('#join-form-fields button');
    await page
      .locator('#join-problem', { hasText: 'a room with a passphrase cannot be joined here' })
      .waitFor();
    await page.fill('#join-invite', '');
    await page.click('#join-form-fields button');
    await page.locator('#join-problem', { hasText: 'rxchat join LINK --access-token-file FILE' }).waitFor();
    expect(await page.textContent('#join-problem')).toMatch(/^.*token.*; the page supports none/);
  });

  test('says when it was loaded without TLS, and still works; under another name it is rejected', async () => {
    const port = await freePort();
    const origin = `http://chat.test:${port}`;
    const relay = await startWebRelay('--web-port', String(port), '--web-origin', origin);
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    expect(await alice.isVisible('#insecure')).toBe(false);
    const { hash } = new URL(alice.url());
    const bob = await joinPage(await openBrowser(), `${origin}/${hash}`, 'bob');
    expect(await bob.textContent('#insecure')).toMatch(/can change it and read your\s+messages/);
    expect(await bob.isVisible('#insecure')).toBe(true);
    await sendMessage(bob, 'hello from there');
    await messageRow(alice, 'hello from there').waitFor();
    await bob.click('#invite-open');
    await bob.click('#invite-copy');
    expect(await bob.textContent('#invite-status')).toMatch(/copy it yourself/);

    const other = await startWebRelay();
    const away = await openPage(await openBrowser(), `http://chat.test:${new URL(other.page).port}/`);
    await away.fill('#join-nick', 'carol');
    await away.click('#join-form-fields button');
    await away.locator('#join-problem', { hasText: 'cannot reach' }).waitFor();
  });

  test('passes axe: form, room and dialogs, in light and dark', async () => {
    const relay = await startWebRelay();
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await openBrowser({ colorScheme, bypassCSP: true });
      const page = await openPage(context, relay.page);
      expect(await faultsOf(page)).toStrictEqual([]);
      await page.fill('#join-nick', 'alice');
      await page.click('#join-form-fields button');
      await waitUntilOnline(page);
      await sendMessage(page, 'hello');
      await messageRow(page, 'hello').locator('.mark', { hasText: 'stored' }).waitFor();
      const sent = rxchat(['send', page.url(), '--nick', 'bob', '-m', 'hello alice']);
      expect(await sent.exit).toBe(0);
      await messageRow(page, 'hello alice').waitFor();
      await page.click('#members-open');
      expect(await faultsOf(page)).toStrictEqual([]);
      await messageRow(page, 'hello alice').locator('.who').click();
      expect(await faultsOf(page)).toStrictEqual([]);
      await page.keyboard.press('Escape');
      await page.click('#invite-open');
      expect(await faultsOf(page)).toStrictEqual([]);
      await context.close();
    }
  });

  test('works by keyboard alone, and fits a phone', async () => {
    const relay = await startWebRelay();
    const page = await openPage(await openBrowser({ viewport: { width: 360, height: 640 } }), relay.page);
    await page.keyboard.press('Tab');
    await page.keyboard.type('alice');
    await page.keyboard.press('Enter');
    await waitUntilOnline(page);
    // The row of the pending message has the focus when the row of the stored message replaces it.
    await page.evaluate<undefined>(`new MutationObserver((changes, observer) => {
      const nick = document.querySelector('.message .who');
      if (nick === null) return;
      observer.disconnect();
      nick.focus();
    }).observe(document.querySelector('#log'), { childList: true })`);
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await messageRow(page, 'hello').locator('.mark', { hasText: 'stored' }).waitFor();
    expect(await page.evaluate<string>('document.activeElement.className')).toBe('who');
    await page.focus('#composer-text');
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate<string>('document.activeElement.className')).toBe('who');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#person[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#person:not([open])', { state: 'attached' });
  });
});
