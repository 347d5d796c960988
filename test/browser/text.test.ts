import { afterEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { rxchat } from '../e2e/support/child.js';
import { endAll } from '../e2e/support/endings.js';
import { heard, inChromium, joinPage, openBrowser, say, startWebRelay } from './support/chromium.js';

afterEach(endAll);

/** What the person has on the clipboard or drags: files alone, or something else. */
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

/** As `say`, for a long text: the way of Playwright takes Chromium a minute for 5000 lines, a paste does not. */
const sayLong = async (page: Page, text: string): Promise<void> => {
  await page.evaluate(`document.querySelector('#say-text').value = ${JSON.stringify(text)}`);
  await page.press('#say-text', 'Enter');
};

/** What of a row is measured here. */
interface Measured {
  readonly getBoundingClientRect: () => {
    readonly height: number;
    readonly right: number;
    readonly left: number;
  };
}

inChromium('text on the page', () => {
  test('has its lines and tabs, in what others say and in what waits, and no line looks like a message', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const text = 'if (x) {\n\treturn 1;\n}\n10:04 bob ? I owe you money';
    const sent = rxchat(['send', alice.url(), '--nick', 'carol', '--block'], { input: `${text}\r\n` });
    expect(await sent.exit).toBe(0);
    const line = heard(alice, 'I owe you money');
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
    // Further lines begin behind the column of the times: the box of the text is as wide as its widest line.
    expect((await box('.text')).left).toBeGreaterThanOrEqual((await box('time')).right);

    await alice.fill('#say-text', 'line one\nline two');
    await alice.press('#say-text', 'Enter');
    await heard(alice, 'line two').locator('.mark', { hasText: 'stored' }).waitFor();
    expect(await heard(alice, 'line two').locator('.text').textContent()).toBe('line one\nline two');
  });

  test('has links that show all of where they lead, and give nothing of the page away', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const alice = await joinPage(context, relay.page, 'alice');
    const long = `https://example.org/${'a/'.repeat(400)}#end`;
    await say(alice, `see ${long}, not javascript:alert(1) nor https://bank.example@evil.example/`);
    const line = heard(alice, 'not javascript');
    await line.waitFor();
    const links = line.locator('a');
    expect(await links.allTextContents()).toStrictEqual([long]);
    expect(await links.getAttribute('href')).toBe(long);
    expect(await links.getAttribute('rel')).toBe('noreferrer noopener');
    expect(await links.getAttribute('target')).toBe('_blank');
    const width = await alice.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(900);
    await say(alice, `${relay.page}icon.svg`);
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      heard(alice, 'icon.svg').locator('a').click(),
    ]);
    await opened.waitForLoadState();
    expect(await opened.evaluate('[window.opener, document.referrer]')).toStrictEqual([null, '']);
  });

  test('that is too long is said in parts, once one agrees, and what was told goes with the next key', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const bob = await joinPage(await openBrowser(), alice.url(), 'bob');
    const lines = Array.from({ length: 5000 }, (_, n) => `this is line ${n} of a paste.`);
    const fault = alice.locator('#fault');
    await sayLong(alice, lines.join('\n'));
    await fault.filter({ hasText: /^this has 148,889 bytes, and a message takes 32,768/ }).waitFor();
    await alice.fill('#say-text', '');
    expect(await fault.isVisible()).toBe(false);
    expect(await alice.isVisible('#split')).toBe(false);
    await sayLong(alice, lines.join('\n'));
    await alice.click('#split');
    await heard(bob, 'this is line 4999 of a paste.').waitFor();
    await heard(alice, 'this is line 4999 of a paste.').locator('.mark', { hasText: 'stored' }).waitFor();
    const texts = await bob.locator('#log .message .text').allTextContents();
    expect(texts.join('\n').split('\n')).toStrictEqual(lines);
    expect(await alice.inputValue('#say-text')).toBe('');
  });

  test('is all that can be given: files are refused in words, and nothing that is dropped replaces the page', async () => {
    const relay = await startWebRelay();
    const alice = await joinPage(await openBrowser(), relay.page, 'alice');
    const fault = alice.locator('#fault', { hasText: 'files and pictures cannot be sent here, only text' });
    for (const [event, selector] of [
      ['paste', '#say-text'],
      ['drop', '#say-text'],
      ['drop', '#log'],
    ] as const) {
      expect(await give(alice, event, ['cat.png'], selector)).toBe(true);
      await fault.waitFor();
      await alice.fill('#say-text', 'x');
      expect(await fault.isVisible()).toBe(false);
    }
    expect(await give(alice, 'drop', [], '#log')).toBe(true);
    expect(await give(alice, 'drop', [], '#say-text')).toBe(false);
    expect(await fault.isVisible()).toBe(false);
  });
});
