import { afterEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { NEVER } from 'rxjs';
import { parseInvite, room } from '../../src/index.js';
import type { Heard } from '../../streams/index.js';
import { atEnd, endAll } from '../e2e/support/endings.js';
import { startProxy } from '../e2e/support/proxy.js';
import {
  freePort,
  heard,
  inChromium,
  joinPage,
  online,
  openBrowser,
  openPage,
  say,
  startWebRelay,
  type WebRelay,
} from './support/chromium.js';

afterEach(endAll);

/** What bob hears, who is in the room by the library. */
const listenTo = (relay: WebRelay, link: string): Heard[] => {
  const told: Heard[] = [];
  const invite = { host: '127.0.0.1', port: relay.port, secret: parseInvite(link).secret };
  const subscription = NEVER.pipe(room(invite, { nick: 'bob' })).subscribe((each) => told.push(each));
  atEnd(() => subscription.unsubscribe());
  return told;
};

/**
 * A tab that was duplicated: it has a copy of what the tab keeps for itself, and comes to its page by the history of the
 * tab, as `Duplicate` of a browser makes it.
 */
const duplicate = async (tab: Page): Promise<Page> => {
  const [copy] = await Promise.all([
    tab.waitForEvent('popup'),
    tab.evaluate(`void window.open(location.origin + '/icon.svg')`),
  ]);
  await copy.waitForLoadState();
  await copy.goto(tab.url());
  await copy.goto(`${new URL(tab.url()).origin}/icon.svg`);
  await copy.goBack();
  return copy;
};

/** How many connections a page has opened since it was loaded. */
const COUNT_SOCKETS = `
  const Socket = window.WebSocket;
  window.opened = 0;
  window.WebSocket = class extends Socket { constructor(...given) { super(...given); window.opened += 1; } };
`;

const origins = [
  { name: 'a protected page', host: '127.0.0.1' },
  { name: 'a page that came unprotected, where browsers have no locks', host: 'chat.test' },
];

inChromium('two tabs of one person', () => {
  test.each(origins)('a duplicated tab of $name has a session of its own', async ({ host }) => {
    const web = await freePort();
    let isOpen = true;
    const port = await startProxy(web, {
      up: () => (chunk, on) => {
        if (isOpen) on(chunk);
      },
    });
    const origin = `http://${host}:${port}`;
    const relay = await startWebRelay('--web-port', String(web), '--web-origin', origin);
    const context = await openBrowser();
    await context.addInitScript(COUNT_SOCKETS);
    const alice = await joinPage(context, `${origin}/`, 'alice');
    expect(await alice.evaluate('isSecureContext')).toBe(host === '127.0.0.1');
    const told = listenTo(relay, alice.url());
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    isOpen = false;
    await say(alice, 'said once');
    await heard(alice, 'said once').locator('.mark', { hasText: 'pending' }).waitFor();
    isOpen = true;

    const copy = await duplicate(alice);
    await online(copy);
    await say(copy, 'from the copy');
    await heard(alice, 'from the copy').waitFor();
    await alice.reload();
    await online(alice);
    await heard(copy, 'said once').waitFor();
    await say(alice, 'from the first');
    await heard(copy, 'from the first').waitFor();
    expect(await alice.evaluate('opened')).toBe(1);
    expect(await copy.evaluate('opened')).toBe(1);
    expect(await alice.textContent('#members-count')).toBe('Members: 2');
    const texts = told.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    expect(texts).toStrictEqual(['from the copy', 'said once', 'from the first']);
    expect(told.filter(({ type }) => ['repeated', 'alarm', 'left'].includes(type))).toStrictEqual([]);
  });

  test('share one nick, which is listed once, and each hears what the other one says', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const first = await joinPage(context, relay.page, 'alice');
    const second = await joinPage(context, first.url(), 'alice');
    const told = listenTo(relay, first.url());
    await second.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await say(first, 'one');
    await heard(second, 'one').waitFor();
    await say(second, 'two');
    await heard(first, 'two').waitFor();
    await second.close();
    await say(first, 'three');
    await heard(first, 'three').locator('.mark', { hasText: 'stored' }).waitFor();
    const comings = told.flatMap((each) =>
      each.type === 'joined' || each.type === 'left' ? each.nicks : [],
    );
    expect(comings).toStrictEqual(['bob']);
    // A nick of somebody else is taken, and may be one's own of another browser.
    const other = await openPage(await openBrowser(), first.url());
    await other.fill('#door-nick', 'alice');
    await other.click('#door-form button');
    await other.locator('#door-fault', { hasText: 'another browser' }).waitFor();
  });

  test('come back as who they were, each under its own nick', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const first = await joinPage(context, relay.page, 'alice');
    const second = await joinPage(context, first.url(), 'alicia');
    await first.reload();
    await online(first);
    await say(first, 'who am I?');
    await heard(second, 'who am I?').locator('.who', { hasText: 'alice' }).waitFor();
  });

  test('the owner of a nick is back at once after a network that was lost without a word', async () => {
    const relay = await startWebRelay('--heartbeat', '10m');
    let network = 1;
    const port = await startProxy(Number(new URL(relay.page).port), {
      up: () => {
        const mine = network;
        // What is lost is lost with the farewell: the end that follows waits for it.
        return (chunk, on) => (mine === network ? on(chunk) : new Promise(() => undefined));
      },
    });
    const bob = await joinPage(await openBrowser(), relay.page, 'bob');
    const context = await openBrowser();
    const alice = await joinPage(context, `http://127.0.0.1:${port}/${new URL(bob.url()).hash}`, 'alice');
    const link = alice.url();
    network = 2;
    await alice.close();
    const back = await joinPage(context, link, 'alice');
    await say(back, 'here I am again');
    await heard(bob, 'here I am again').waitFor();
    expect(await bob.textContent('#members-count')).toBe('Members: 2');
  });
});
