import { afterEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { lastValueFrom, NEVER, ReplaySubject, takeWhile, toArray } from 'rxjs';
import { parseInvite, joinRoom } from '../../src/index.js';
import type { ClientEvent } from '../../streams/index.js';
import { onCleanup, cleanUp } from '../e2e/support/cleanup.js';
import { startProxy } from '../e2e/support/proxy.js';
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
  type WebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

/** Returns a function that resolves with all events of bob, a client of the library, up to the message with that text. */
const listenTo = (relay: WebRelay, link: string): ((text: string) => Promise<ClientEvent[]>) => {
  const event$ = new ReplaySubject<ClientEvent>(1000);
  const invite = { host: '127.0.0.1', port: relay.port, secret: parseInvite(link).secret };
  const subscription = NEVER.pipe(joinRoom(invite, { nick: 'bob' })).subscribe(event$);
  onCleanup(() => subscription.unsubscribe());
  const isLast = (event: ClientEvent, text: string) => event.type === 'message' && event.text === text;
  return (text) =>
    lastValueFrom(
      event$.pipe(
        takeWhile((event) => !isLast(event, text), true),
        toArray(),
      ),
    );
};

/**
 * Duplicates a tab, as `Duplicate` in a browser does. The duplicate has a copy of the session storage, and opens its
 * page through the history of the tab.
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

/** Returns the number of connections that a page has opened since it was loaded. */
const COUNT_SOCKETS = `
  const Socket = window.WebSocket;
  window.opened = 0;
  window.WebSocket = class extends Socket { constructor(...given) { super(...given); window.opened += 1; } };
`;

const origins = [
  { name: 'a page with TLS or on this machine', host: '127.0.0.1' },
  { name: 'a page without TLS, for which browsers have no locks', host: 'chat.test' },
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
    const reportedUntil = listenTo(relay, alice.url());
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    isOpen = false;
    await sendMessage(alice, 'said once');
    await messageRow(alice, 'said once').locator('.mark', { hasText: 'pending' }).waitFor();
    isOpen = true;

    const copy = await duplicate(alice);
    await waitUntilOnline(copy);
    await sendMessage(copy, 'from the copy');
    await messageRow(alice, 'from the copy').waitFor();
    await alice.reload();
    await waitUntilOnline(alice);
    await messageRow(copy, 'said once').waitFor();
    await sendMessage(alice, 'from the first');
    await messageRow(copy, 'from the first').waitFor();
    expect(await alice.evaluate('opened')).toBe(1);
    expect(await copy.evaluate('opened')).toBe(1);
    expect(await alice.textContent('#members-count')).toBe('Members: 2');
    const reported = await reportedUntil('from the first');
    const texts = reported.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    expect(texts).toStrictEqual(['from the copy', 'said once', 'from the first']);
    expect(reported.filter(({ type }) => ['duplicate', 'alarm', 'left'].includes(type))).toStrictEqual([]);
  });

  test('share one nick, which is listed once, and each receives what the other sends', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const first = await joinPage(context, relay.page, 'alice');
    const second = await joinPage(context, first.url(), 'alice');
    const reportedUntil = listenTo(relay, first.url());
    await second.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await sendMessage(first, 'one');
    await messageRow(second, 'one').waitFor();
    await sendMessage(second, 'two');
    await messageRow(first, 'two').waitFor();
    await second.close();
    await sendMessage(first, 'three');
    await messageRow(first, 'three').locator('.mark', { hasText: 'stored' }).waitFor();
    const presence = (await reportedUntil('three')).flatMap((each) =>
      each.type === 'joined' || each.type === 'left' ? each.nicks : [],
    );
    expect(presence).toStrictEqual(['bob']);
    // A nick of another member is in use, and may be the user's own in another browser.
    const other = await openPage(await openBrowser(), first.url());
    await other.fill('#join-nick', 'alice');
    await other.click('#join-form-fields button');
    await other.locator('#join-problem', { hasText: 'another browser' }).waitFor();
  });

  test('return as the same members, each under its own nick', async () => {
    const relay = await startWebRelay();
    const context = await openBrowser();
    const first = await joinPage(context, relay.page, 'alice');
    const second = await joinPage(context, first.url(), 'alicia');
    await first.reload();
    await waitUntilOnline(first);
    await sendMessage(first, 'who am I?');
    await messageRow(second, 'who am I?').locator('.who', { hasText: 'alice' }).waitFor();
  });

  test('return at once under their nick after a network that was lost silently', async () => {
    const relay = await startWebRelay('--heartbeat', '10m');
    let network = 1;
    const port = await startProxy(Number(new URL(relay.page).port), {
      up: () => {
        const mine = network;
        // The BYE is lost with the network: the end that follows waits for it.
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
    await sendMessage(back, 'here I am again');
    await messageRow(bob, 'here I am again').waitFor();
    expect(await bob.textContent('#members-count')).toBe('Members: 2');
  });
});
