import { afterEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stopProcess, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

if (!(await hasTmux())) {
  test.skip('NOT TESTED: the progress line needs tmux', () => undefined);
} else {
  /** The arguments and the environment for `resend`. */
  type Case = readonly [flags: readonly string[], environment?: string];

  /** Each client sends a line, and four more once the relay is frozen after all have joined. */
  const sending = async (...cases: readonly Case[]) => {
    const relay = await startRelay();
    const barrier = join(tempDir(), 'gate');
    const input = `echo 1; until test -e ${barrier}; do sleep 0.1; done; seq 2 5`;
    const sessions = await Promise.all(
      cases.map(async ([flags, environment = ''], at) => {
        const args = ['send', newRoom(relay.port).text, '--nick', `sender${at}`, ...flags];
        const by = ['bash', '-c', `(${input}) | ${environment} "$0" "$@"`];
        const terminal = await openTerminal(args, { wrapper: by, columns: 100 });
        await relay.joined(`sender${at}`);
        return { terminal, written: await terminal.record() };
      }),
    );
    await stopProcess(relay.child);
    writeFileSync(barrier, '');
    return { relay, sessions };
  };

  test('send shows progress on a line of the terminal for a long input, and erases it at the end', async () => {
    const { relay, sessions } = await sending([['--timeout', '0']]);
    const { terminal, written } = sessions[0]!;
    await terminal.waitFor(/^[01] stored, [45] without receipt$/);
    relay.child.signal('SIGCONT');
    expect(await terminal.waitFor(/exit/)).toBe('exit 0');
    // It was one line throughout.
    expect((await written('exit')).replace(/exit[^]*/, '')).not.toContain('\n');
  });

  test('send replaces the progress line by an error, and shows none when it is disabled or output shares the terminal', async () => {
    const timeout = ['--timeout', '2s'];
    const { sessions } = await sending(
      [timeout],
      [[...timeout, '--no-progress']],
      [[...timeout, '--quiet', '--no-color']],
      [timeout, 'TERM=dumb'],
      // Its copied output would be on the same line.
      [[...timeout, '--tee']],
    );
    for (const [at, { terminal, written }] of sessions.entries()) {
      const screen = await terminal.waitFor(/exit 7/);
      expect(screen).toMatch(
        /^(\d\n){0,5}rxchat: no receipt for 2 s: the relay does not answer; sent \d of 5, \d not confirmed\nexit 7$/,
      );
      const all = await written('exit 7');
      expect([at, all.includes('without receipt'), all.includes('\u001b')]).toStrictEqual([
        at,
        at === 0,
        at === 0,
      ]);
    }
  });
}
