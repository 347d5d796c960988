import { describe, expect, test } from '@jest/globals';
import { EMPTY } from 'rxjs';
import { COMMANDS } from '../../src/cli/commandTable.js';
import { CliError, Exit } from '../../src/cli/exit.js';
import type { Flag, Flags } from '../../src/cli/flags.js';
import { loadCommand } from '../../src/cli/wire.js';

const FLAGS: Readonly<Record<string, Flag>> = {
  wire: { type: 'string', help: '', wires: 'any' },
  nick: { type: 'string', help: '', wires: 'any' },
  tls: { type: 'boolean', help: '' },
  retry: { type: 'boolean', negated: true, help: '' },
  allowRoom: { type: 'string', multiple: true, help: '' },
  keyFile: { type: 'string', help: '', wires: 'classic' },
};

/** Which one is loaded, or why none. */
const loaded = async (flags: Flags, input: readonly string[] = []): Promise<string> => {
  let name = 'none';
  const load = (each: string) => () => {
    name = each;
    return Promise.resolve(() => EMPTY);
  };
  const command = {
    name: 'talk',
    input: '',
    inputs: 1,
    summary: '',
    examples: [],
    flags: FLAGS,
    load: { 'rxchat/1': load('main'), classic: load('classic') },
  } as const;
  try {
    await loadCommand(command, { flags, input });
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    expect((error as CliError).exitCode).toBe(Exit.usage);
    return (error as CliError).message;
  }
  return name;
};

describe('a command', () => {
  test.each<[Flags, string]>([
    [{}, 'main'],
    [{ wire: 'rxchat/1', tls: true, allowRoom: ['x'] }, 'main'],
    [{ wire: 'classic', keyFile: 'k', nick: 'a', allowRoom: [], tls: undefined }, 'classic'],
    [{ wire: 'morse' }, '--wire is one of rxchat/1, classic'],
    [{ keyFile: 'k' }, '--key-file has a meaning with --wire classic alone'],
    [{ wire: 'classic', tls: true }, '--tls has no meaning with --wire classic'],
    [{ wire: 'classic', retry: false }, '--no-retry has no meaning with --wire classic'],
    [{ wire: 'classic', allowRoom: ['x'] }, '--allow-room has no meaning with --wire classic'],
  ])('with %j: %s', async (flags, expected) => {
    expect(await loaded(flags)).toBe(expected);
  });

  test('over the classic wire has no invite', async () => {
    expect(await loaded({ wire: 'classic' }, ['rxchat://x'])).toBe('the classic wire has no invites');
    expect(await loaded({}, ['rxchat://x'])).toBe('main');
  });

  test('is asked for with --wire by all that can speak several, and these are four', () => {
    const several = COMMANDS.filter(({ load }) => typeof load !== 'function');
    expect(several.map(({ name }) => name)).toStrictEqual(['serve', 'join', 'send', 'listen']);
    for (const { flags } of several) expect(flags['wire']?.wires).toBe('any');
  });
});
