import { describe, expect, test } from '@jest/globals';
import type { Config } from '../../../../src/cli/args/parseConfig.js';
import { parseConfig } from '../../../../src/cli/args/parseConfig.js';
import { allFlags, type CliCommand } from '../../../../src/cli/args/command.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import { type Flag, flagLabel } from '../../../../src/cli/args/flags.js';

const SECRET = 'Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldCBvbmU';

const parse = (text: string): Config => parseConfig(text, '/etc/c.json', COMMANDS);

const plain = (config: Config): unknown =>
  Object.fromEntries(
    Array.from(config, ([section, settings]) => [
      section,
      Object.fromEntries(Array.from(settings, ([key, { value }]) => [key, value])),
    ]),
  );

describe('a config file', () => {
  test.each([
    ['an empty file', '', {}],
    ['a file without a section', '{}', {}],
    ['an empty section', '{"serve": {}}', { serve: {} }],
    [
      'with comments and a comma too many',
      '// a\n{"serve": {"port": 1, /* b */ "tls": false,},}',
      { serve: { port: 1, tls: false } },
    ],
    [
      'with a switch that is off in the table',
      '{"listen": {"no-retry": true}}',
      { listen: { retry: false } },
    ],
    ['a repeatable flag given once', '{"serve": {"allow-room": "a"}}', { serve: { allowRoom: ['a'] } }],
    [
      'a repeatable flag given twice',
      '{"serve": {"allow-room": ["a", "b"]}}',
      { serve: { allowRoom: ['a', 'b'] } },
    ],
    [
      'with what clients share',
      '{"clients": {"nick": "a", "json": true}}',
      { clients: { nick: 'a', json: true } },
    ],
  ])('accepts %s', (_, text, expected) => {
    expect(plain(parse(text))).toStrictEqual(expected);
  });

  const valueFor = ({ type, choices, multiple }: Flag): unknown =>
    type === 'boolean' ? true : type === 'number' ? 1 : multiple === true ? ['x'] : (choices?.at(-1) ?? 'x');
  const flags = COMMANDS.flatMap((command) =>
    Object.entries(allFlags(command)).map(([key, flag]): [string, CliCommand, string, Flag] => [
      `${command.name} ${flagLabel(key, flag)}`,
      command,
      key,
      flag,
    ]),
  ).filter(([, , key]) => key !== 'help');

  test.each(flags)('accepts %s', (_, { name }, key, flag) => {
    const value = valueFor(flag);
    const text = JSON.stringify({ [name]: { [flagLabel(key, flag).slice(2)]: value } });
    expect(parse(text).get(name)?.get(key)?.value).toStrictEqual(flag.negated === true ? false : value);
  });

  test('reports the line of each setting', () => {
    expect(parse('{\n  "serve": {\n    "port": 1 }}').get('serve')?.get('port')?.location).toBe(
      '/etc/c.json:3: serve.port',
    );
  });
});

describe('a config error names file, line, key and the valid values', () => {
  test.each<[string, string, string, ...RegExp[]]>([
    ['no JSON', '{\n"serve" 1}', '2: invalid JSON: colon expected'],
    ['truncated JSON', '{"serve":\n{', '2: invalid JSON: close brace expected'],
    ['a value that is not an object', '[]', ' must be an object, {…}'],
    [
      'a section that there is not',
      '{"serv": {}}',
      '1: unknown section serv',
      /serve, invite, .*clients|clients.*serve/,
    ],
    ['a section that is a value', '{"serve": 1}', '1: serve: must be an object, {…}'],
    ['a section twice', '{"serve": {},\n"serve": {}}', '2: serve: given twice'],
    ['a key twice', '{"serve": {"tls": true,\n"tls": true}}', '2: serve.tls: given twice'],
    [
      'a key that is almost right',
      '{"serve": {"prot": 1}}',
      '1: serve.prot: unknown flag',
      /did you mean port\?/,
    ],
    [
      'a key that is nothing like any',
      '{"check": {"frobnicate": 1}}',
      '1: check.frobnicate: unknown flag',
      /there are data, store, .*no-input/,
    ],
    ['a key of another command', '{"invite": {"json": true}}', '1: invite.json: unknown flag'],
    ['a key that every object has', '{"serve": {"constructor": 1}}', '1: serve.constructor: unknown flag'],
    ['a key that changes objects', '{"serve": {"__proto__": {}}}', '1: serve.__proto__: unknown flag'],
    ['a text for a switch', '{"serve": {"tls": "yes"}}', '1: serve.tls: must be true or false'],
    ['a text for a number', '{"serve": {"port": "1"}}', '1: serve.port: must be a number, without quotes'],
    ['a number for a text', '{"serve": {"keep": 30}}', '1: serve.keep: must be a text in quotes'],
    ['nothing for a text', '{"serve": {"keep": null}}', '1: serve.keep: must be a text in quotes'],
    ['an object for a text', '{"serve": {"keep": {}}}', '1: serve.keep: must be a text in quotes'],
    ['a list for a text', '{"serve": {"keep": ["1d"]}}', '1: serve.keep: must be a text in quotes'],
    [
      'numbers in a list',
      '{"serve": {"allow-room": [1]}}',
      '1: serve.allow-room: must be a text in quotes, or a list of them',
    ],
    [
      'a word that a flag does not have',
      '{"serve": {"durability": "ram"}}',
      '1: serve.durability: --durability is one of disk, os, memory',
    ],
  ])('%s', (_, text, expected, ...hints) => {
    const error = mistake(text);
    expect(error.message).toBe(`/etc/c.json:${expected}`);
    for (const hint of hints) expect(error.hint).toMatch(hint);
  });

  test.each([
    ['invite', 'listen', /invite-file, or RXCHAT_INVITE/],
    ['passphrase', 'clients', /passphrase-file, or RXCHAT_PASSPHRASE/],
    ['password', 'join', /passphrase-file/],
    ['access-token', 'send', /access-token-file, or RXCHAT_ACCESS_TOKEN/],
    ['token', 'serve', /access-token-file/],
    ['key', 'clients', /key-file, or RXCHAT_KEY/],
    ['secret', 'send', /invite-file/],
  ])('rejects the secret %s without repeating it', (key, section, hint) => {
    const error = mistake(JSON.stringify({ [section]: { [key]: SECRET } }));
    expect(error.message).toBe(`/etc/c.json:1: ${section}.${key}: secrets are not allowed in this file`);
    expect(error.hint).toMatch(hint);
  });

  test.each(['invite-file', 'nick', 'passphrase-file'])(
    'rejects an invite as %s without repeating it',
    (key) => {
      const error = mistake(JSON.stringify({ clients: { [key]: `rxchat://127.0.0.1:1/#${SECRET}` } }));
      expect(error.message).toBe(`/etc/c.json:1: clients.${key}: invites are not allowed in this file`);
    },
  );

  const mistake = (text: string): CliError => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      expect(error.exitCode).toBe(Exit.usage);
      expect(`${error.message} ${error.hint ?? ''}`).not.toContain(SECRET);
      return error;
    }
    throw new Error('was taken');
  };
});
