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
  /** Sends three lines, then what the gate lets through, to a relay that is frozen meanwhile. */
  const sending = async (flags: readonly string[], environment = '') => {
    const relay = await startRelay();
    const gate = join(newDir(), 'gate');
    const input = `echo 1; until test -e ${gate}; do :; done; seq 2 5`;
    const args = ['send', newRoom(relay.port).text, '--nick', 'sender', ...flags];
    const by = ['bash', '-c', `(${input}) | ${environment} "$0" "$@"`];
    const terminal = await openTerminal(args, { by, columns: 80 });
    await relay.joined('sender');
    const written = await terminal.record();
    await freeze(relay.child);
    writeFileSync(gate, '');
    return { relay, terminal, written };
  };

  test('a line on the terminal tells how far a long input is, and nothing of it stays', async () => {
    const { relay, terminal, written } = await sending(['--timeout', '0']);
    await terminal.shows(/^[01] stored, [45] without receipt$/);
    relay.child.signal('SIGCONT');
    expect(await terminal.shows(/exit/)).toBe('exit 0');
    // It was one line all the time.
    expect((await written('exit')).replace(/exit[^]*/, '')).not.toContain('\n');
  });

  test.each([
    [['--no-progress'], ''],
    [['--quiet'], ''],
    [['--no-progress', '--no-color'], ''],
    [[], 'TERM=dumb'],
    // What it copies there would stand in the same line.
    [['--tee'], ''],
  ])('there is none with %j %s', async (flags, environment) => {
    const { terminal, written } = await sending([...flags, '--timeout', '2s'], environment);
    await terminal.shows(/exit 7/);
    const all = await written('exit 7');
    expect(all).not.toContain('without receipt');
    expect(all).not.toContain('\u001b');
  });

  test('it makes room for why it failed', async () => {
    const { terminal, written } = await sending(['--timeout', '2s']);
    const screen = await terminal.shows(/exit 7/);
    expect(screen.replaceAll(/\d of 5, \d/g, 'N of 5, N')).toBe(
      'rxchat: no receipt for 2 s: the relay does not answer; sent N of 5, N not confir\nmed\nexit 7',
    );
    expect(await written('exit 7')).toContain('without receipt');
  });
}
