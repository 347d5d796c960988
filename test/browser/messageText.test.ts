import { afterEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { rxchat } from '../e2e/support/child.js';
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

/** The content of the clipboard or of a drag: only files, or something else. */
const give = (page: Page, event: 'paste' | 'drop', files: readonly string[], selector: string) =>
  page.evaluate(`(() => {
    const data = new DataTransfer();
    for (const name of ${JSON.stringify(files)}) data.items.add(new File(['x'], name, { type: 'image/png' }));
    if (${files.length === 0}) data.setData('text/uri-list', 'https://example.org/');
    const given = { bubbles: true, cancelable: true };
    const event = ${event === 'paste'}
      ? new ClipboardEvent('paste', { ...given, clipboardData: data })
      : new DragEvent('drop', { ...given, dataTransfer: data });
    document.querySelector(${JSON.stringify(selector)}).dispatchEvent(event);
    return event.defaultPrevented;
  })()`);

/** Like `say`, for a long text: Playwright takes a minute to type 5000 lines in Chromium, a paste does not. */
const sendLong = async (page: Page, text: string): Promise<void> => {
  await page.evaluate(`document.querySelector('#composer-text').value = ${JSON.stringify(text)}`);
  await page.press('#composer-text', 'Enter');
};

/** The measured properties of a row. */
interface Measured {
  readonly getBoundingClientRect: () => {
    readonly height: number;
    readonly right: number;
    readonly left: number;
  };
}

inChromium('text on the page', () => {
  test('keeps its lines and tabs, when received and while pending, and no line can look like another message', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const text = 'if (x) {\n\treturn 1;\n}\n10:04 bob ? I owe you money';
    const sent = rxchat(['send', alice.url(), '--nick', 'carol', '--block'], { input: `${text}\r\n` });
    expect(await sent.exit).toBe(0);
    const line = messageRow(alice, 'I owe you money');
    await line.waitFor();
    expect((await line.locator('.text').textContent())?.replace(/[\r\n\u240d]*$/, '')).toBe(text);
    const box = (selector: string) =>
      line.locator(selector).evaluate((element: Measured) => {
        const { height, left, right } = element.getBoundingClientRect();
        return { height, left, right };
      });
    const { height } = await line.evaluate((element: Measured) => {
      return { height: element.getBoundingClientRect().height };
    });
    expect(height).toBeGreaterThan(3 * (await box('.who')).height);
    // Further lines begin after the column of times: the text box is as wide as its longest line.
    expect((await box('.text')).left).toBeGreaterThanOrEqual((await box('time')).right);

    await alice.fill('#composer-text', 'line one\nline two');
    await alice.press('#composer-text', 'Enter');
    await messageRow(alice, 'line two').locator('.mark', { hasText: 'stored' }).waitFor();
    expect(await messageRow(alice, 'line two').locator('.text').textContent()).toBe('line one\nline two');
  });

  test('shows links with their whole target, and gives nothing of the page away', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const alice = await joinPage(context, relay.page, 'alice');
    const long = `https://example.org/${'a/'.repeat(400)}#end`;
    await sendMessage(alice, `see ${long}, not javascript:alert(1) nor https://bank.example@evil.example/`);
    const line = messageRow(alice, 'not javascript');
    await line.waitFor();
    const links = line.locator('a');
    expect(await links.allTextContents()).toStrictEqual([long]);
    expect(await links.getAttribute('href')).toBe(long);
    expect(await links.getAttribute('rel')).toBe('noreferrer noopener');
    expect(await links.getAttribute('target')).toBe('_blank');
    const width = await alice.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(900);
    await sendMessage(alice, `${relay.page}icon.svg`);
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      messageRow(alice, 'icon.svg').locator('a').click(),
    ]);
    await opened.waitForLoadState();
    expect(await opened.evaluate('[window.opener, document.referrer]')).toStrictEqual([null, '']);
  });

  test('is sent in parts after confirmation when it is too long, and the prompt closes at the next key', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    const lines = Array.from({ length: 5000 }, (_, n) => `this is line ${n} of a paste.`);
    const fault = alice.locator('#fault');
    await sendLong(alice, lines.join('\n'));
    await fault.filter({ hasText: /^this has 148,889 bytes, and the limit is 32,768/ }).waitFor();
    await alice.fill('#composer-text', '');
    expect(await fault.isVisible()).toBe(false);
    expect(await alice.isVisible('#split')).toBe(false);
    await sendLong(alice, lines.join('\n'));
    await alice.click('#split');
    await messageRow(bob, 'this is line 4999 of a paste.').waitFor();
    await messageRow(alice, 'this is line 4999 of a paste.')
      .locator('.mark', { hasText: 'stored' })
      .waitFor();
    const texts = await bob.locator('#log .message .text').allTextContents();
    expect(texts.join('\n').split('\n')).toStrictEqual(lines);
    expect(await alice.inputValue('#composer-text')).toBe('');
  });

  test('is the only input: files are refused with a reason, and nothing that is dropped replaces the page', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const fault = alice.locator('#fault', { hasText: 'only text can be sent, no files or pictures' });
    for (const [event, selector] of [
      ['paste', '#composer-text'],
      ['drop', '#composer-text'],
      ['drop', '#log'],
    ] as const) {
      expect(await give(alice, event, ['cat.png'], selector)).toBe(true);
      await fault.waitFor();
      await alice.fill('#composer-text', 'x');
      expect(await fault.isVisible()).toBe(false);
    }
    expect(await give(alice, 'drop', [], '#log')).toBe(true);
    expect(await give(alice, 'drop', [], '#composer-text')).toBe(false);
    expect(await fault.isVisible()).toBe(false);
  });
});
