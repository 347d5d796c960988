import { afterEach, expect, test } from '@jest/globals';
import { AsyncSubject, first, lastValueFrom, NEVER, tap } from 'rxjs';
import { parseInvite, room } from '../../src/index.js';
import type { Heard } from '../../streams/index.js';
import { atEnd, endAll } from '../e2e/support/endings.js';
import { run } from '../e2e/support/child.js';
import { inChromium, startWebRelay } from './support/chromium.js';
import { openTabs } from './support/tabs.js';

afterEach(endAll);

/** Resolves once this is true in the page, which is asked whenever the page changes. */
const once = (condition: string) => `new Promise((resolve) => {
  const look = () => { if (${condition}) resolve(true); };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  look();
})`;

/** Resolves after two timers that were late by more than 10 s: this tab is throttled. */
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
  test('stays connected, hears what is said, shows it in its title, and nobody sees it leave', async () => {
    const relay = await startWebRelay();
    const invite = (await run(['invite', '--port', new URL(relay.page).port])).out.trim();
    const { hash } = new URL(invite);
    const heard: Heard[] = [];
    const message = new AsyncSubject<Heard>();
    const tcp = { host: '127.0.0.1', port: relay.port, secret: parseInvite(invite).secret };
    const subscription = NEVER.pipe(
      room(tcp, { nick: 'bob' }),
      tap((each) => heard.push(each)),
      first(({ type }) => type === 'message'),
    ).subscribe(message);
    atEnd(() => subscription.unsubscribe());
    const tabs = await openTabs();
    const alice = await tabs.open(`${relay.page}${hash}`);
    await alice.evaluate(once(`document.querySelector('#door:not([hidden])')`));
    await alice.evaluate(
      `document.querySelector('#door-nick').value = 'alice', document.querySelector('#door-form').requestSubmit()`,
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
    const comings = heard.flatMap((each) =>
      each.type === 'joined' || each.type === 'left' ? each.nicks.map((nick) => `${nick} ${each.type}`) : [],
    );
    expect(comings.filter((coming) => coming.startsWith('alice'))).toStrictEqual(['alice joined']);
  }, 400_000);
});
