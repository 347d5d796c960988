import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/cli/config/parseConfig.js';
import { blamed, withConfig } from '../../../src/cli/config/withConfig.js';
import { COMMANDS } from '../../../src/cli/commandTable.js';
import { CliError } from '../../../src/cli/exit.js';
import type { Args } from '../../../src/cli/flags.js';

const commandOf = (name: string) => COMMANDS.find((each) => each.name === name)!;
const configOf = (sections: object) => parseConfig(JSON.stringify(sections), 'c.json', COMMANDS);

/** The flags of a command that has this on its command line, in the environment and in the file. */
const flags = (
  name: string,
  {
    flags = {},
    input = [],
    env = {},
    file = {},
  }: Partial<Args> & { readonly env?: Record<string, string>; readonly file?: object },
) => withConfig(commandOf(name), { flags, input }, configOf(file), env).args.flags;

describe('what counts', () => {
  test('is the file, where nothing else says it', () => {
    expect(flags('listen', { file: { listen: { nick: 'file', 'no-retry': true } } })).toStrictEqual({
      nick: 'file',
      retry: false,
    });
  });

  test.each([
    ['a text', { nick: 'line' }],
    ['a switch that is off', { json: false }],
  ])('is the command line before the file: %s', (_, given) => {
    expect(flags('listen', { flags: given, file: { listen: { nick: 'file', json: true } } })).toMatchObject(
      given,
    );
  });

  test.each([
    ['listen', 'invite-file', 'RXCHAT_INVITE'],
    ['join', 'passphrase-file', 'RXCHAT_PASSPHRASE'],
    ['send', 'access-token-file', 'RXCHAT_ACCESS_TOKEN'],
  ])('is the environment before the file: %s %s', (name, key, variable) => {
    const file = { [name]: { [key]: 'file' } };
    expect(Object.values(flags(name, { file }))).toStrictEqual(['file']);
    expect(flags(name, { file, env: { [variable]: 'x' } })).toStrictEqual({});
    // As where it is read: empty is not given.
    expect(Object.values(flags(name, { file, env: { [variable]: '' } }))).toStrictEqual(['file']);
  });

  test('is an argument before the file', () => {
    const file = { clients: { 'invite-file': 'file', nick: 'a' } };
    expect(flags('listen', { input: ['rxchat://x'], file })).toStrictEqual({ nick: 'a' });
  });

  test('is the command line before the file, for what may be repeated as well', () => {
    const file = { serve: { 'allow-room': ['a', 'b'] } };
    expect(flags('serve', { flags: { allowRoom: [] }, file })).toStrictEqual({ allowRoom: ['a', 'b'] });
    expect(flags('serve', { flags: { allowRoom: ['c'] }, file })).toStrictEqual({ allowRoom: ['c'] });
  });

  test("is a command's own section before that of the clients", () => {
    const file = { clients: { nick: 'all' }, listen: { nick: 'own' } };
    expect(flags('listen', { file })).toStrictEqual({ nick: 'own' });
    expect(flags('send', { file })).toStrictEqual({ nick: 'all' });
    expect(flags('serve', { file })).toStrictEqual({});
  });

  test('is what means something over the wire that is spoken', () => {
    const file = { clients: { nick: 'a', heartbeat: '5s', 'key-file': 'k' } };
    expect(flags('listen', { file })).toStrictEqual({ nick: 'a', heartbeat: '5s' });
    expect(flags('listen', { flags: { wire: 'classic' }, file })).toStrictEqual({
      wire: 'classic',
      nick: 'a',
      keyFile: 'k',
    });
    const classic = { clients: { ...file.clients, wire: 'classic' } };
    expect(flags('listen', { file: classic })).toStrictEqual({ nick: 'a', keyFile: 'k', wire: 'classic' });
  });
});

describe('blamed', () => {
  const { settings } = withConfig(
    commandOf('serve'),
    { flags: {}, input: [] },
    configOf({ serve: { keep: '1ms', 'keep-bytes': '1k', port: 1 } }),
    {},
  );

  test.each([
    ['--keep needs a time', undefined, 'c.json:1: serve.keep: --keep needs a time'],
    ['--keep-bytes needs a size', undefined, 'c.json:1: serve.keep-bytes: --keep-bytes needs a size'],
    ['the port is in use', 'choose another with --port', 'c.json:1: serve.port: the port is in use'],
    ['--keep-total needs a size', undefined, '--keep-total needs a size'],
    ['there is no invite', undefined, 'there is no invite'],
  ])('%s', (message, hint, expected) => {
    const error = blamed(new CliError(2, message, hint), settings);
    expect([error.message, error.hint, error.exitCode]).toStrictEqual([expected, hint, 2]);
  });
});
