import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createInvite, formatInvite, parseInvite } from '../../src/index.js';
import { rxchat, run, type RunResult, tempDir } from '../e2e/support/child.js';
import { cleanUp } from '../e2e/support/cleanup.js';
import { lineWith } from '../e2e/support/streamOutput.js';
import { faultsOf } from './support/axe.js';
import {
  inChromium,
  joinPage,
  messageRow,
  openBrowser,
  sendMessage,
  startWebRelay,
  type WebRelay,
} from './support/chromium.js';

afterEach(cleanUp);

/** Creates a group room by the command, as bob, and returns what runs commands as bob, and the link for the page. */
const createRoom = async (relay: WebRelay) => {
  const home = tempDir();
  const env = { RXCHAT_HOME: home };
  const file = join(home, 'room.txt');
  const created = await run(['invite', '--group', '--port', String(relay.port)], { env });
  expect([created.code, created.err]).toStrictEqual([0, '']);
  writeFileSync(file, created.out, { mode: 0o600 });
  const withInvite = (args: readonly string[]) => [...args, '--invite-file', file, '--nick', 'bob'];
  const { secret, group } = parseInvite(created.out.trim());
  return {
    link: formatInvite({
      ...createInvite({ host: '127.0.0.1', port: Number(new URL(relay.page).port), web: 'http' }),
      secret,
      group,
    }),
    start: (...args: readonly string[]) => rxchat(withInvite(args), { env }),
    run: (...args: readonly string[]): Promise<RunResult> => run(withInvite(args), { env }),
  };
};

inChromium('a group room of the commands and the page', () => {
  test('has messages in both directions, and the command removes the member of the page', async () => {
    const relay = await startWebRelay();
    const bob = await createRoom(relay);
    const listening = bob.start('listen');
    const alice = await joinPage(await openBrowser(), bob.link, 'alice');
    await listening.err.until(lineWith('joined with the invite; 2 members'));
    await alice.locator('#members-count', { hasText: 'Members: 2' }).waitFor();

    await sendMessage(alice, 'hello from the page');
    await listening.out.until(lineWith('alice: hello from the page'));
    const sent = await bob.run('send', '--as-member', '-m', 'hello from the command');
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    await messageRow(alice, 'hello from the command').waitFor();
    const listed = await bob.run('members', '--json');
    const { code } = JSON.parse(listed.out) as { readonly code: string };
    expect((await alice.textContent('#members-code'))?.replaceAll(/\D/g, '')).toBe(code);

    const removal = await bob.run('remove', 'alice', '--yes');
    expect(removal.code).toBe(0);
    await alice.locator('#join-problem', { hasText: 'a member removed you from this room' }).waitFor();
    await alice
      .locator('#log .note', { hasText: '?bob removed you from the room' })
      .waitFor({ state: 'attached' });
    await listening.err.until(lineWith('you removed ?alice; 1 member; the room has another invite'));
    expect(removal.out.trim()).not.toContain(new URL(bob.link).hash.slice(0, 44));
  });

  test('passes axe: the members and all questions, in light and dark', async () => {
    const relay = await startWebRelay();
    const bob = await createRoom(relay);
    for (const [index, colorScheme] of (['light', 'dark'] as const).entries()) {
      const context = await openBrowser({ colorScheme, bypassCSP: true });
      const alice = await joinPage(context, bob.link, 'alice');
      // A message that is sent before the page is a member cannot be read there.
      await alice.locator('#members-count', { hasText: `Members: ${index + 2}` }).waitFor();
      const greeting = `hello in ${colorScheme}`;
      expect((await bob.run('send', '--as-member', '-m', greeting)).code).toBe(0);
      await messageRow(alice, greeting).waitFor();
      await sendMessage(alice, '/members');
      await alice.locator('#members-code', { hasText: 'Room code' }).waitFor();
      expect(await faultsOf(alice)).toStrictEqual([]);
      await alice.locator('#members-list button', { hasText: 'bob' }).click();
      await alice.locator('#person-group', { hasText: 'Devices in the group' }).waitFor();
      expect(await faultsOf(alice)).toStrictEqual([]);
      await alice.keyboard.press('Escape');
      for (const command of ['/remove bob', '/rotate', '/leave']) {
        await sendMessage(alice, command);
        await alice.locator('#confirm[open]').waitFor();
        expect(await faultsOf(alice)).toStrictEqual([]);
        await alice.click('#confirm [data-close]');
      }
      await sendMessage(alice, '/invite');
      await alice.locator('#invite[open]').waitFor();
      expect(await faultsOf(alice)).toStrictEqual([]);
      await context.close();
    }
  });
});
