/** Makes the pictures of the page in docs/screenshots: a relay, a room of two, and a Chromium to look at it. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const root = resolve(import.meta.dirname, '..');
const out = resolve(root, 'docs/screenshots');
const home = mkdtempSync(join(tmpdir(), 'rxchat-screenshots-'));
const command = resolve(root, 'dist/bin/rxchat.js');
const flags = ['serve', '--memory', '--port', '0', '--web', '--web-port', '0'];
const relay = spawn(process.execPath, [command, ...flags], {
  env: { ...process.env, RXCHAT_HOME: home },
  stdio: ['ignore', 'pipe', 'ignore'],
});

const pageOf = async () => {
  for await (const line of createInterface({ input: relay.stdout })) {
    const [, page] = /^page on (\S+)$/.exec(line) ?? [];
    if (page !== undefined) return page;
  }
  throw new Error('the relay did not start');
};

/** Whose browser it is, how it looks, and how large it is. */
const open = (browser, options) => browser.newContext({ viewport: { width: 900, height: 560 }, ...options });

const enter = async (context, url, nick) => {
  const page = await context.newPage();
  await page.goto(url);
  await page.fill('#door-nick', nick);
  await page.click('#door-form button');
  await page.waitForSelector('#state.online');
  return page;
};

const say = async (page, text) => {
  await page.fill('#say-text', text);
  await page.press('#say-text', 'Enter');
  await page.locator('#log .own', { hasText: text }).locator('.mark', { hasText: 'stored' }).waitFor();
};

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const browser = await chromium.launch({ executablePath: chromiumPath, args });
try {
  mkdirSync(out, { recursive: true });
  const alice = await enter(await open(browser, { colorScheme: 'light' }), await pageOf(), 'alice');
  const bob = await enter(await open(browser, { colorScheme: 'dark' }), alice.url(), 'bob');
  await say(alice, 'The relay keeps this, and cannot read it.');
  await say(bob, 'And who reloads the page is still here: nobody sees them leave.');
  await say(alice, 'Text is text: <b>not bold</b>, <script>alert(1)</script>');
  await bob.locator('#log .who', { hasText: 'alice' }).first().click();
  await bob.click('#person-same');
  await say(bob, 'We compared our numbers by telephone.');
  await alice.locator('#log', { hasText: 'by telephone' }).waitFor();
  for (const page of [alice, bob]) await page.click('#members-open');
  await alice.screenshot({ path: join(out, 'light.png') });
  await bob.screenshot({ path: join(out, 'dark.png') });
  const phone = { viewport: { width: 360, height: 640 }, colorScheme: 'dark' };
  const carol = await enter(await open(browser, phone), alice.url(), 'carol');
  await carol.locator('#log', { hasText: 'by telephone' }).waitFor();
  await say(carol, 'Hello, from the train');
  await carol.screenshot({ path: join(out, 'phone.png') });
  await alice.click('#invite-open');
  await alice.screenshot({ path: join(out, 'invite.png') });
  await alice.keyboard.press('Escape');
  await bob.goto('about:blank');
  const door = await (await open(browser, { colorScheme: 'light' })).newPage();
  await door.goto(alice.url());
  await door.screenshot({ path: join(out, 'door.png') });
} finally {
  await browser.close();
  relay.kill();
  rmSync(home, { recursive: true, force: true });
}
