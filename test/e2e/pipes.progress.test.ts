import { afterEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeze, newDir } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

if (!(await hasTmux())) {
  test.skip('NOT TESTED: the progress line needs tmux', () => undefined);
} else {
  /** What is given to `send`, and to its environment. */
  type Case = readonly [flags: readonly string[], environment?: string];

  /** Each sends a line, and four more once the relay, which let them all in, is frozen. */
  const sending = async (...cases: readonly Case[]) => {
    const relay = await startRelay();
    const gate = join(newDir(), 'gate');
    const input = `echo 1; until test -e ${gate}; do sleep 0.1; done; seq 2 5`;
    const seats = await Promise.all(
      cases.map(async ([flags, environment = ''], at) => {
        const args = ['send', newRoom(relay.port).text, '--nick', `sender${at}`, ...flags];
        const by = ['bash', '-c', `(${input}) | ${environment} "$0" "$@"`];
        const terminal = await openTerminal(args, { by, columns: 100 });
        await relay.joined(`sender${at}`);
        return { terminal, written: await terminal.record() };
      }),
    );
    await freeze(relay.child);
    writeFileSync(gate, '');
    return { relay, seats };
  };

  test('a line on the terminal tells how far a long input is, and nothing of it stays', async () => {
    const { relay, seats } = await sending([['--timeout', '0']]);
    const { terminal, written } = seats[0]!;
    await terminal.shows(/^[01] stored, [45] without receipt$/);
    relay.child.signal('SIGCONT');
    expect(await terminal.shows(/exit/)).toBe('exit 0');
    // It was one line all the time.
    expect((await written('exit')).replace(/exit[^]*/, '')).not.toContain('\n');
  });

  test('it makes room for why it failed, and there is none where it is not wanted or would be in the way', async () => {
    const timeout = ['--timeout', '2s'];
    const { seats } = await sending(
      [timeout],
      [[...timeout, '--no-progress']],
      [[...timeout, '--quiet', '--no-color']],
      [timeout, 'TERM=dumb'],
      // What it copies there would stand in the same line.
      [[...timeout, '--tee']],
    );
    for (const [at, { terminal, written }] of seats.entries()) {
      const screen = await terminal.shows(/exit 7/);
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
