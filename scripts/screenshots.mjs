/** Takes the pictures in docs/screenshots: starts a relay, two members and a Chromium. */
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

/** Opens a browser context with a window size and other options. */
const open = (browser, options) => browser.newContext({ viewport: { width: 900, height: 560 }, ...options });

const enter = async (context, url, nick) => {
  const page = await context.newPage();
  await page.goto(url);
  await page.fill('#join-nick', nick);
  await page.click('#join-form-fields button');
  await page.waitForSelector('#state.online');
  return page;
};

const send = async (page, text) => {
  await page.fill('#composer-text', text);
  await page.press('#composer-text', 'Enter');
  await page.locator('#log .own', { hasText: text }).locator('.mark', { hasText: 'stored' }).waitFor();
};

/** Confirms in the dialog of a member that the safety number is the same. */
const verify = async (page, nick) => {
  await page.locator('#log .who', { hasText: nick }).first().click();
  await page.click('#person-same');
};

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const browser = await chromium.launch({ executablePath: chromiumPath, args });
try {
  mkdirSync(out, { recursive: true });
  const alice = await enter(await open(browser, { colorScheme: 'light' }), await pageOf(), 'alice');
  const bob = await enter(await open(browser, { colorScheme: 'dark' }), alice.url(), 'bob');
  await send(alice, 'The relay stores this message but cannot read it.');
  await send(bob, 'You can reload the page without leaving the room.');
  await send(alice, 'The page shows HTML as text: <b>not bold</b>');
  await verify(bob, 'alice');
  await verify(alice, 'bob');
  await send(bob, 'We compared our numbers by telephone.');
  await alice.locator('#log', { hasText: 'by telephone' }).waitFor();
  for (const page of [alice, bob]) await page.click('#members-open');
  await alice.screenshot({ path: join(out, 'light.png') });
  await bob.screenshot({ path: join(out, 'dark.png') });
  const phone = { viewport: { width: 360, height: 640 }, colorScheme: 'dark' };
  const carol = await enter(await open(browser, phone), alice.url(), 'carol');
  await carol.locator('#log', { hasText: 'by telephone' }).waitFor();
  await send(carol, 'Hello, from the train');
  await carol.screenshot({ path: join(out, 'phone.png') });
  await alice.click('#invite-open');
  await alice.screenshot({ path: join(out, 'invite.png') });
  await alice.keyboard.press('Escape');
  await bob.goto('about:blank');
  const joinPage = await (await open(browser, { colorScheme: 'light' })).newPage();
  await joinPage.goto(alice.url());
  await joinPage.screenshot({ path: join(out, 'join.png') });
} finally {
  await browser.close();
  relay.kill();
  rmSync(home, { recursive: true, force: true });
}
