import { afterEach, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commandTable.js';
import { SHELLS } from '../../src/cli/choices.js';
import { run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';

afterEach(endAll);

/** What would make other programs draw although they are in a pipe. */
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
] as const)('no escape goes into a pipe, whatever the environment says: %s', async (_, commands) => {
  const ran = await Promise.all(commands.map((args) => run(args, { env: COLOURFUL })));
  for (const { out, err } of ran) {
    expect(out + err).not.toBe('');
    expect(out + err).not.toContain('\u001b');
  }
});

test('no escape goes into a pipe from a conversation, though others send some, with --no-color or without', async () => {
  const relay = await startRelay('--no-color', '--log-level', 'trace');
  const room = newRoom(relay.port).text;
  const people = [[], ['--no-color']].map((flags, at) =>
    ['join', 'listen'].map((name) =>
      rxchat([name, room, ...flags, '--nick', `${name}${at}`], { env: COLOURFUL }),
    ),
  );
  for (const at of [0, 1]) for (const name of ['join', 'listen']) await relay.joined(name + String(at));
  for (const flags of [['--json'], ['--no-color', '--json'], ['--block', '--no-color']]) {
    const sent = await run(['send', room, ...flags], {
      input: '\u001b[31mred\u001b]0;title\u0007\n',
      env: COLOURFUL,
    });
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    expect(sent.out).not.toContain('\u001b');
  }
  for (const person of people.flat()) {
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
  '%s --wire classic takes --no-color too',
  async (name) => {
    const ran = await run([
      name,
      '--wire',
      'classic',
      '--no-color',
      '--port',
      '1',
      '--key-file',
      '/nonexistent/key',
    ]);
    // What is wrong is something else.
    expect(ran.err).toMatch(/^rxchat: (?!.*color)/);
  },
);
