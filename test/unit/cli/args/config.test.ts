import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../../src/cli/args/parseConfig.js';
import { withConfigLocation, mergeConfig } from '../../../../src/cli/args/config.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { CliError } from '../../../../src/cli/process/exit.js';
import type { Args } from '../../../../src/cli/args/flags.js';

const commandOf = (name: string) => COMMANDS.find((each) => each.name === name)!;
const configOf = (sections: object) => parseConfig(JSON.stringify(sections), 'c.json', COMMANDS);

/** Returns the flags of a command with this command line, environment and file. */
const flags = (
  name: string,
  {
    flags = {},
    input = [],
    env = {},
    file = {},
  }: Partial<Args> & { readonly env?: Record<string, string>; readonly file?: object },
) => mergeConfig(commandOf(name), { flags, input }, configOf(file), env).args.flags;

describe('mergeConfig', () => {
  test('uses the file when the option is set nowhere else', () => {
    expect(flags('listen', { file: { listen: { nick: 'file', 'no-retry': true } } })).toStrictEqual({
      nick: 'file',
      retry: false,
    });
  });

  test.each([
    ['a text', { nick: 'line' }],
    ['a switch that is off', { json: false }],
  ])('prefers the command line to the file: %s', (_, given) => {
    expect(flags('listen', { flags: given, file: { listen: { nick: 'file', json: true } } })).toMatchObject(
      given,
    );
  });

  test.each([
    ['listen', 'invite-file', 'RXCHAT_INVITE'],
    ['join', 'passphrase-file', 'RXCHAT_PASSPHRASE'],
    ['send', 'access-token-file', 'RXCHAT_ACCESS_TOKEN'],
  ])('prefers the environment to the file: %s %s', (name, key, variable) => {
    const file = { [name]: { [key]: 'file' } };
    expect(Object.values(flags(name, { file }))).toStrictEqual(['file']);
    expect(flags(name, { file, env: { [variable]: 'x' } })).toStrictEqual({});
    // An empty variable counts as not set, as in the reader.
    expect(Object.values(flags(name, { file, env: { [variable]: '' } }))).toStrictEqual(['file']);
  });

  test('prefers an argument to the file', () => {
    const file = { clients: { 'invite-file': 'file', nick: 'a' } };
    expect(flags('listen', { input: ['rxchat://x'], file })).toStrictEqual({ nick: 'a' });
  });

  test('prefers the command line to the file for repeatable flags', () => {
    const file = { serve: { 'allow-room': ['a', 'b'] } };
    expect(flags('serve', { flags: { allowRoom: [] }, file })).toStrictEqual({ allowRoom: ['a', 'b'] });
    expect(flags('serve', { flags: { allowRoom: ['c'] }, file })).toStrictEqual({ allowRoom: ['c'] });
  });

  test("prefers a command's own section to the section of the clients", () => {
    const file = { clients: { nick: 'all' }, listen: { nick: 'own' } };
    expect(flags('listen', { file })).toStrictEqual({ nick: 'own' });
    expect(flags('send', { file })).toStrictEqual({ nick: 'all' });
    expect(flags('serve', { file })).toStrictEqual({});
  });

  test('applies only settings that have a meaning for the wire in use', () => {
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

describe('withConfigLocation', () => {
  const { settings } = mergeConfig(
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
    ['no invite given', undefined, 'no invite given'],
  ])('%s', (message, hint, expected) => {
    const error = withConfigLocation(new CliError(2, message, hint), settings);
    expect([error.message, error.hint, error.exitCode]).toStrictEqual([expected, hint, 2]);
  });
});
