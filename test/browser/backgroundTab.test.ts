import { afterEach, expect, test } from '@jest/globals';
import { AsyncSubject, first, lastValueFrom, NEVER, tap } from 'rxjs';
import { parseInvite, joinRoom } from '../../src/index.js';
import type { ClientEvent } from '../../streams/index.js';
import { onCleanup, cleanUp } from '../e2e/support/cleanup.js';
import { run } from '../e2e/support/child.js';
import { inChromium, startWebRelay } from './support/chromium.js';
import { openTabs } from './support/tabs.js';

afterEach(cleanUp);

/** Resolves once the condition is true in the page; checks it whenever the page changes. */
const once = (condition: string) => `new Promise((resolve) => {
  const look = () => { if (${condition}) resolve(true); };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  look();
})`;

/** Resolves after two timers that were more than 10 s late: this tab is throttled. */
const THROTTLED = `new Promise((resolve) => {
  let last = performance.now();
  let late = 0;
  setInterval(() => {
    const now = performance.now();
    if (now - last > 11000 && ++late === 2) resolve(true);
    last = now;
  }, 1000);
})`;

inChromium('a page in a hidden tab whose timers come once a minute', () => {
  test('stays connected, receives messages, shows their count in its title, and nobody sees it leave', async () => {
    const relay = await startWebRelay();
    const invite = (await run(['invite', '--port', new URL(relay.page).port])).out.trim();
    const { hash } = new URL(invite);
    const events: ClientEvent[] = [];
    const message = new AsyncSubject<ClientEvent>();
    const tcp = { host: '127.0.0.1', port: relay.port, secret: parseInvite(invite).secret };
    const subscription = NEVER.pipe(
      joinRoom(tcp, { nick: 'bob' }),
      tap((each) => events.push(each)),
      first(({ type }) => type === 'message'),
    ).subscribe(message);
    onCleanup(() => subscription.unsubscribe());
    const tabs = await openTabs();
    const alice = await tabs.open(`${relay.page}${hash}`);
    await alice.evaluate(once(`document.querySelector('#join-form:not([hidden])')`));
    await alice.evaluate(
      `document.querySelector('#join-nick').value = 'alice', document.querySelector('#join-form-fields').requestSubmit()`,
    );
    await alice.evaluate(once(`document.querySelector('#state.online')`));
    await tabs.open('about:blank');
    expect(await alice.evaluate('document.visibilityState')).toBe('hidden');

    await alice.evaluate(THROTTLED);
    expect(alice.sockets()).toBe(1);
    const invitation = `rxchat://127.0.0.1:${relay.port}/${hash}`;
    await run(['send', invitation, '--nick', 'carol', '-m', 'are you there?']);
    await alice.evaluate(once(`document.title.startsWith('(1) ')`));
    expect(
      await alice.evaluate(`[...document.querySelectorAll('#log .text')].map((row) => row.textContent)`),
    ).toStrictEqual(['are you there?']);
    await lastValueFrom(message);
    const presence = events.flatMap((each) =>
      each.type === 'joined' || each.type === 'left' ? each.nicks.map((nick) => `${nick} ${each.type}`) : [],
    );
    expect(presence.filter((coming) => coming.startsWith('alice'))).toStrictEqual(['alice joined']);
  }, 400_000);
});
