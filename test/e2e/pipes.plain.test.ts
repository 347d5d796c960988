import { afterEach, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/registry.js';
import { SHELLS } from '../../src/cli/args/choices.js';
import { rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

/** Variables that make other programs draw even in a pipe. */
const COLOURFUL = {
  TERM: 'xterm-256color',
  COLORTERM: 'truecolor',
  FORCE_COLOR: '3',
  CLICOLOR_FORCE: '1',
};

const NAMES = COMMANDS.map(({ name }) => name);

test.each([
  ['--help', NAMES.map((name) => [name, '--help', '--no-color'])],
  ['wrong usage', [[], ['liste'], ...NAMES.map((name) => [name, '--no-colour'])]],
  [
    'what is printed',
    [['--version'], ['--help'], ['invite'], ['key'], ['check'], ['invite', '--words', '6']],
  ],
  ['completions', SHELLS.map((shell) => ['completion', shell, '--no-color'])],
] as const)('a pipe receives no escape sequence, whatever the environment says: %s', async (_, commands) => {
  const ran = await Promise.all(commands.map((args) => runShared(args, { env: COLOURFUL })));
  for (const { out, err } of ran) {
    expect(out + err).not.toBe('');
    expect(out + err).not.toContain('\u001b');
  }
});

test('join in a pipe writes no escape sequence, although others send some, with or without --no-color', async () => {
  const relay = await startRelay('--no-color', '--log-level', 'trace');
  const room = newRoom(relay.port).text;
  const clients = [[], ['--no-color']].map((flags, at) =>
    ['join', 'listen'].map((name) =>
      rxchat([name, room, ...flags, '--nick', `${name}${at}`], { env: COLOURFUL }),
    ),
  );
  for (const at of [0, 1]) for (const name of ['join', 'listen']) await relay.joined(name + String(at));
  for (const flags of [['--json'], ['--no-color', '--json'], ['--block', '--no-color']]) {
    const sent = await runShared(['send', room, ...flags], {
      input: '\u001b[31mred\u001b]0;title\u0007\n',
      env: COLOURFUL,
    });
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    expect(sent.out).not.toContain('\u001b');
  }
  for (const person of clients.flat()) {
    const { out, err, exit } = person;
    await out.until(({ lines }) => lines.filter((each) => each.includes('red')).length === 3);
    person.signal('SIGTERM');
    expect(await exit).toBe(143);
    expect(out.text + err.text).not.toContain('\u001b');
  }
  relay.child.signal('SIGTERM');
  expect(await relay.child.exit).toBe(0);
  expect(relay.child.err.text).toContain('"msg":"joined"');
  expect(relay.child.out.text + relay.child.err.text).not.toContain('\u001b');
});

test.each([['serve'], ['listen'], ['send'], ['join']])(
  '%s --wire classic accepts --no-color',
  async (name) => {
    const ran = await runShared([
      name,
      '--wire',
      'classic',
      '--no-color',
      '--port',
      '1',
      '--key-file',
      '/nonexistent/key',
    ]);
    // The error is about something else.
    expect(ran.err).toMatch(/^rxchat: (?!.*color)/);
  },
);
