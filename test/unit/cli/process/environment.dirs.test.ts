import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { homedir } from 'node:os';
import { configDir, dataDir, stateDir } from '../../../../src/cli/process/environment.js';

const NAMES = ['RXCHAT_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'] as const;
const before = NAMES.map((name) => [name, process.env[name]] as const);
beforeEach(() => {
  for (const name of NAMES) Reflect.deleteProperty(process.env, name);
});
afterEach(() => {
  for (const [name, value] of before)
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
});

describe.each([
  ['XDG_CONFIG_HOME', configDir],
  ['XDG_DATA_HOME', dataDir],
  ['XDG_STATE_HOME', stateDir],
])('%s', (name, read) => {
  test.each(['', 'relative/path', undefined])('with %p is the default of the platform', (value) => {
    if (value !== undefined) process.env[name] = value;
    expect(read()?.startsWith(homedir())).toBe(true);
  });

  test('with an absolute path is that path', () => {
    process.env[name] = '/var/own';
    expect(read()).toBe('/var/own/rxchat');
  });
});

describe('RXCHAT_HOME', () => {
  const dirs = () => [configDir(), dataDir(), stateDir()];

  test('contains all directories, whatever other variables say', () => {
    process.env['RXCHAT_HOME'] = '/srv/chat';
    process.env['XDG_STATE_HOME'] = '/var/own';
    expect(dirs()).toStrictEqual(['/srv/chat', '/srv/chat/data', '/srv/chat/state']);
  });

  test('may be relative', () => {
    process.env['RXCHAT_HOME'] = 'chat';
    expect(configDir()).toBe(`${process.cwd()}/chat`);
  });

  test('is ignored when empty', () => {
    process.env['RXCHAT_HOME'] = '';
    expect(configDir()?.startsWith(homedir())).toBe(true);
  });
});
