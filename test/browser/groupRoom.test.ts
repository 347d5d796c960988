import { afterEach, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { EMPTY, firstValueFrom, ReplaySubject, Subject } from 'rxjs';
import { createDevice } from '../../streams/client/group/credential.js';
import { formatGroupId, type RemovalRule } from '../../streams/client/group/groupId.js';
import type { ClientEvent, GroupRequest, OutgoingMessage } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { nodePlatform } from '../../src/node/nodePlatform.js';
import { createInvite, formatInvite, type Invite, joinRoom } from '../../src/index.js';
import { cleanUp, onCleanup } from '../e2e/support/cleanup.js';
import { startProxy } from '../e2e/support/proxy.js';
import { freePort } from '../support/freePort.js';
import {
  inChromium,
  joinPage,
  messageRow,
  openBrowser,
  openPage,
  sendMessage,
  startWebRelay,
  type WebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

/** A member of a group room in this process. */
const joinGroup = (
  relay: WebRelay,
  nick: string,
  { invite, removalRule = 'creator' }: { readonly invite?: Invite; readonly removalRule?: RemovalRule } = {},
) => {
  const { suite, hash, randomBytes } = nodePlatform;
  const { ed25519 } = suite();
  const identity = nodePlatform.createIdentity();
  const groupId = formatGroupId({ removalRule, creator: identity.key, random: randomBytes(16) });
  const room = invite ?? {
    ...createInvite({ host: '127.0.0.1', port: relay.port }),
    group: toBase64url(hash(groupId)),
  };
  const events: ClientEvent[] = [];
  const messages = new Subject<OutgoingMessage>();
  const requests = new Subject<GroupRequest>();
  const end = new ReplaySubject<Error>(1);
  const waiting = new Set<() => void>();
  const subscription = messages
    .pipe(
      joinRoom(room, {
        nick,
        identity,
        group: {
          device: createDevice(ed25519.signingKey(randomBytes(32)), identity, 'laptop'),
          save: () => EMPTY,
          request$: requests,
          role: invite === undefined ? { type: 'creator', groupId } : { type: 'member' },
        },
      }),
    )
    .subscribe({
      next: (event) => {
        events.push(event);
        for (const check of waiting) check();
      },
      error: (error: Error) => end.next(error),
    });
  onCleanup(() => subscription.unsubscribe());
  /** Resolves with the first event that matches. */
  const until = <E extends ClientEvent>(isMatch: (event: ClientEvent) => event is E): Promise<E> =>
    new Promise((resolve) => {
      const check = () => {
        const found = events.find(isMatch);
        if (found !== undefined) {
          waiting.delete(check);
          resolve(found);
        }
      };
      waiting.add(check);
      check();
    });
  const untilText = (text: string) =>
    until(
      (event): event is Extract<ClientEvent, { type: 'message' }> =>
        event.type === 'message' && event.text === text,
    );
  return { room, events, messages, requests, until, untilText, ended: firstValueFrom(end) };
};

const linkOf = (relay: WebRelay, { secret, group }: Invite): string =>
  formatInvite({
    ...createInvite({ host: '127.0.0.1', port: Number(new URL(relay.page).port), web: 'http' }),
    secret,
    group,
  });

const digitsOf = (text: string | null): string => (text ?? '').replaceAll(/\D/g, '');

type Epoch = Extract<ClientEvent, { type: 'epoch' }>;

const isEpoch =
  (isMatch: (event: Epoch) => boolean = () => true) =>
  (event: ClientEvent): event is Epoch =>
    event.type === 'epoch' && isMatch(event);

const noteRow = (page: Page, text: string | RegExp): Locator =>
  page.locator('#log .note', { hasText: text }).first();

inChromium('a group room on the page', () => {
  test('is joined by its link, and a reload stays the same member', async () => {
    const relay = await startWebRelay();
    const bob = joinGroup(relay, 'bob');
    await bob.until(isEpoch());
    bob.messages.next({ lines: ['before alice'] });
    await bob.untilText('before alice');
    const alice = await joinPage(await openBrowser(), linkOf(relay, bob.room), 'alice');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await noteRow(alice, 'sealed before you joined').waitFor();
    const { code, members } = await bob.until(isEpoch(({ change }) => change === 'joined'));
    await sendMessage(alice, 'hello from alice');
    await bob.untilText('hello from alice');
    bob.messages.next({ lines: ['hello from bob'] });
    await messageRow(alice, 'hello from bob').waitFor();
    expect(await alice.locator('#log').textContent()).not.toContain('before alice');

    // The room code is in the list of members and beside the safety number.
    await sendMessage(alice, '/members');
    expect(digitsOf(await alice.locator('#members-code').textContent())).toBe(code);
    await messageRow(alice, 'hello from bob').locator('.who').click();
    expect(await alice.textContent('#person-number')).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(await alice.textContent('#person-group')).toMatch(/^Devices in the group: laptop\. /);
    expect(digitsOf(await alice.textContent('#person-group'))).toBe(code);
    await alice.click('#person [data-close]');

    await alice.reload();
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await messageRow(alice, 'hello from bob').waitFor();
    await sendMessage(alice, 'hello again');
    await bob.untilText('hello again');
    const epochs = bob.events.filter(isEpoch());
    expect(epochs.map(({ change }) => change)).toStrictEqual(['created', 'joined']);
    expect(epochs.at(-1)?.members).toStrictEqual(members);
  });

  test('shows who removed whom, follows the room to its next invite, and ends for a removed person', async () => {
    const relay = await startWebRelay();
    const bob = joinGroup(relay, 'bob');
    await bob.until(isEpoch());
    const alice = await joinPage(await openBrowser(), linkOf(relay, bob.room), 'alice');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    const carol = await joinPage(await openBrowser(), linkOf(relay, bob.room), 'carol');
    await carol.locator('#members-count', { hasText: 'Members: 3' }).waitFor();
    for (const [page, nick] of [
      [alice, 'alice'],
      [carol, 'carol'],
    ] as const)
      await sendMessage(page, `I am ${nick}`);
    const { key } = await bob.untilText('I am carol');
    bob.messages.next({ lines: ['I am bob'] });
    await messageRow(alice, 'I am bob').waitFor();
    await messageRow(alice, 'I am carol').waitFor();
    const link = alice.url();

    bob.requests.next({ type: 'remove', key });
    await carol.locator('#join-problem', { hasText: 'a member removed you from this room' }).waitFor();
    await noteRow(alice, /\?bob removed \?carol; 2 members; the room has another invite/).waitFor();
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    expect(alice.url()).not.toBe(link);
    await sendMessage(alice, 'after carol');
    await bob.untilText('after carol');
    // The messages of before stay above those of the next log.
    const texts = await alice.locator('#log .message .text').allTextContents();
    expect(texts.slice(-2)).toStrictEqual(['I am bob', 'after carol']);

    await alice.reload();
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await sendMessage(alice, 'after a reload');
    await bob.untilText('after a reload');
    const dave = await openPage(await openBrowser(), link);
    await dave.fill('#join-nick', 'dave');
    await dave.click('#join-form-fields button');
    await dave.locator('#join-problem', { hasText: /invite is not valid any more/ }).waitFor();
  });

  test('removes, replaces the invite and leaves, each after a question', async () => {
    const relay = await startWebRelay();
    const bob = joinGroup(relay, 'bob', { removalRule: 'anyone' });
    await bob.until(isEpoch());
    const alice = await joinPage(await openBrowser(), linkOf(relay, bob.room), 'alice');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    const carol = joinGroup(relay, 'carol', { invite: bob.room });
    await alice.locator('#members-count', { hasText: 'Members: 3' }).waitFor();
    bob.messages.next({ lines: ['I am bob'] });
    carol.messages.next({ lines: ['I am carol'] });
    await messageRow(alice, 'I am bob').waitFor();
    await messageRow(alice, 'I am carol').waitFor();

    await sendMessage(alice, '/remove dave');
    await alice.locator('#fault', { hasText: /no member is known by .dave/ }).waitFor();
    await sendMessage(alice, '/remove bob');
    expect(await alice.textContent('#confirm-text')).toMatch(
      /^Remove \?bob with 1 device\? You have not verified/,
    );
    await alice.click('#confirm [data-close]');
    await sendMessage(alice, '/remove bob');
    await alice.click('#confirm-yes');
    await noteRow(alice, /you removed \?bob; 2 members/).waitFor();
    expect((await bob.ended).name).toBe('RemovedError');

    const link = alice.url();
    await sendMessage(alice, '/rotate');
    await alice.click('#confirm-yes');
    await noteRow(alice, 'you gave the room another invite').waitFor();
    expect(alice.url()).not.toBe(link);
    await sendMessage(alice, '/invite');
    expect(await alice.inputValue('#invite-link')).toBe(alice.url());
    await alice.click('#invite [data-close]');
    await sendMessage(alice, 'still here');
    await carol.untilText('still here');

    await sendMessage(alice, '/leave');
    await alice.click('#confirm-yes');
    await alice.locator('#join-problem', { hasText: 'you left the group' }).waitFor();
    await carol.until(isEpoch(({ change, members }) => change === 'removed' && members.length === 1));
  });

  test('is open in one tab, and in memory if the browser stores nothing', async () => {
    const relay = await startWebRelay();
    const bob = joinGroup(relay, 'bob');
    await bob.until(isEpoch());
    const context = await openBrowser();
    const alice = await joinPage(context, linkOf(relay, bob.room), 'alice');
    const second = await openPage(context, alice.url());
    await second.click('#join-form-fields button');
    await second.locator('#join-problem', { hasText: 'this room is open in another tab' }).waitFor();

    const forgetful = await openBrowser();
    await forgetful.addInitScript('delete Window.prototype.indexedDB; delete window.indexedDB');
    const carol = await joinPage(forgetful, alice.url(), 'carol');
    await carol.locator('#fault', { hasText: 'this browser stores nothing here' }).waitFor();
    await carol.locator('#members-count', { hasText: 'Members: 3' }).waitFor();
    await sendMessage(carol, 'from memory');
    await bob.untilText('from memory');
  });

  test('sends what waited for the relay once after a reload, also without a secure context', async () => {
    const web = await freePort();
    let isOpen = true;
    const port = await startProxy(web, {
      up: () => (chunk, on) => {
        if (isOpen) on(chunk);
      },
    });
    const origin = `http://chat.test:${port}`;
    const relay = await startWebRelay('--web-port', String(web), '--web-origin', origin);
    const bob = joinGroup(relay, 'bob');
    await bob.until(isEpoch());
    const link = `${origin}/${new URL(linkOf(relay, bob.room)).hash}`;
    const alice = await joinPage(await openBrowser(), link, 'alice');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    isOpen = false;
    await sendMessage(alice, 'sent once');
    await messageRow(alice, 'sent once').locator('.mark', { hasText: 'pending' }).waitFor();
    isOpen = true;
    await alice.reload();
    await messageRow(alice, 'sent once').locator('.mark', { hasText: 'stored' }).waitFor();
    await sendMessage(alice, 'and this');
    await bob.untilText('and this');
    const events = bob.events.flatMap((event) => (event.type === 'message' ? [event.text] : []));
    expect(events).toStrictEqual(['sent once', 'and this']);
    expect(await alice.locator('#log .message').count()).toBe(2);
    expect(bob.events.filter(isEpoch()).map(({ change }) => change)).toStrictEqual(['created', 'joined']);
  });

  test('shows older messages again, and the present invite for an old link', async () => {
    const relay = await startWebRelay();
    const bob = joinGroup(relay, 'bob');
    await bob.until(isEpoch());
    const context = await openBrowser();
    const alice = await joinPage(context, linkOf(relay, bob.room), 'alice');
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    const oldLink = alice.url();
    bob.requests.next({ type: 'rotate' });
    await noteRow(alice, 'gave the room another invite').waitFor();
    const link = alice.url();
    expect(link).not.toBe(oldLink);
    for (let n = 1; n <= 300; n += 1) bob.messages.next({ lines: [`message ${n}.`] });
    await messageRow(alice, 'message 300.').waitFor();
    await alice.close();

    const again = await joinPage(context, oldLink, 'alice');
    await messageRow(again, 'message 300.').waitFor();
    expect(again.url()).toBe(link);
    const first = again.locator('#log .message .text').getByText('message 1.', { exact: true });
    expect(await first.count()).toBe(0);
    while (!(await first.isVisible()))
      await again.locator('#log').evaluate((element: { scrollTop: number }) => {
        element.scrollTop = 0;
      });
    await again.locator('#members-count', { hasText: 'Members: 2' }).waitFor();
    await sendMessage(again, 'I have read it all');
    await bob.untilText('I have read it all');
    expect(bob.events.filter(isEpoch()).map(({ change }) => change)).toStrictEqual([
      'created',
      'joined',
      'moved',
    ]);
  });
});
