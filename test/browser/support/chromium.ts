import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe } from '@jest/globals';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { type Child, tempDir, rxchat } from '../../e2e/support/child.js';
import { onCleanup } from '../../e2e/support/cleanup.js';
import { HANG_MS } from '../../e2e/support/streamOutput.js';

export const CHROMIUM: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => existsSync(path));

export const FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name other than localhost: pages from there are not in a secure context.
  '--host-resolver-rules=MAP chat.test 127.0.0.1',
];

let browser: Browser | undefined;

/**
 * Tests in a real Chromium, one for all of a file. On a machine without one they are skipped with a warning; if
 * `RXCHAT_NEED_BROWSER` is set, as in CI, they fail.
 */
export const inChromium = (name: string, tests: () => void): void => {
  if (CHROMIUM === undefined && process.env['RXCHAT_NEED_BROWSER'] === undefined) {
    console.warn(`NOT TESTED: there is no chromium on this machine for: ${name}`);
    describe.skip(name, tests);
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      if (CHROMIUM === undefined)
        throw new Error('there is no chromium, and these tests must not be skipped');
      browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS], timeout: HANG_MS });
    });
    afterAll(async () => {
      await browser?.close();
    });
    tests();
  });
};

/** A browser context of its own with empty storage: a new user. */
export const openBrowser = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
  if (browser === undefined) throw new Error('outside of inChromium');
  const context = await browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
  context.setDefaultTimeout(HANG_MS);
  onCleanup(() => context.close());
  return context;
};

/** A page in it; an error in the page fails the test. */
export const openPage = async (context: BrowserContext, url: string): Promise<Page> => {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (sent) => {
    // Failed connections, refused markup, and headers ignored without TLS are reported there too.
    if (sent.type() === 'error' && !/WebSocket|ERR_|TrustedHTML|Cross-Origin-Opener/.test(sent.text()))
      faults.push(sent.text());
  });
  onCleanup(() => {
    if (faults.length > 0) throw new Error(`the page has errors:\n${faults.join('\n')}`);
  });
  await page.goto(url);
  return page;
};

/** A page that has joined. */
export const joinPage = async (context: BrowserContext, url: string, nick: string): Promise<Page> => {
  const page = await openPage(context, url);
  await page.fill('#join-nick', nick);
  await page.click('#join-form-fields button');
  await waitUntilOnline(page);
  return page;
};

export const waitUntilOnline = (page: Page): Promise<unknown> => page.waitForSelector('#state.online');

export const sendMessage = async (page: Page, text: string): Promise<void> => {
  await page.fill('#composer-text', text);
  await page.press('#composer-text', 'Enter');
};

/** Resolves with the line of the message that has this text, once it is there. */
export const messageRow = (page: Page, text: string): Locator =>
  page.locator('#log .message', { has: page.locator('.text', { hasText: text }) }).first();

/** A running relay with a page. */
export interface WebRelay {
  readonly child: Child;
  readonly port: number;
  readonly page: string;
  restart(): Promise<WebRelay>;
}

export const startWebRelay = (...flags: readonly string[]): Promise<WebRelay> =>
  startAt(tempDir(), 0, 0, flags);

const startAt = async (
  state: string,
  port: number,
  web: number,
  flags: readonly string[],
): Promise<WebRelay> => {
  const webPort = flags.includes('--web-port') ? [] : ['--web-port', String(web)];
  const args = ['serve', '--port', String(port), '--web', ...webPort, ...flags];
  const child = rxchat(args, { env: { XDG_STATE_HOME: state } });
  const [, tcp, page = ''] = await child.out.until(({ text }) =>
    /^listening on \S+:(\d+)\npage on (\S+)\n$/.exec(text),
  );
  return {
    child,
    port: Number(tcp),
    page,
    restart: () => startAt(state, Number(tcp), Number(new URL(page).port), flags),
  };
};
