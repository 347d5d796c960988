import { describe, expect, test } from '@jest/globals';
import { EMPTY } from 'rxjs';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import type { Flag, Flags } from '../../../../src/cli/args/flags.js';
import { loadCommand } from '../../../../src/cli/args/command.js';

const FLAGS: Readonly<Record<string, Flag>> = {
  wire: { type: 'string', help: '', wires: 'any' },
  nick: { type: 'string', help: '', wires: 'any' },
  tls: { type: 'boolean', help: '' },
  retry: { type: 'boolean', negated: true, help: '' },
  allowRoom: { type: 'string', multiple: true, help: '' },
  keyFile: { type: 'string', help: '', wires: 'classic' },
};

/** Returns the loaded command, or the reason for none. */
const loaded = async (flags: Flags, input: readonly string[] = []): Promise<string> => {
  let name = 'none';
  const load = (each: string) => () => {
    name = each;
    return Promise.resolve(() => EMPTY);
  };
  const command = {
    name: 'talk',
    input: '',
    maxInputs: 1,
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

describe('loadCommand', () => {
  test.each<[Flags, string]>([
    [{}, 'main'],
    [{ wire: 'rxchat/1', tls: true, allowRoom: ['x'] }, 'main'],
    [{ wire: 'classic', keyFile: 'k', nick: 'a', allowRoom: [], tls: undefined }, 'classic'],
    [{ wire: 'morse' }, '--wire is one of rxchat/1, classic'],
    [{ keyFile: 'k' }, '--key-file applies only to --wire classic'],
    [{ wire: 'classic', tls: true }, '--tls does not apply to --wire classic'],
    [{ wire: 'classic', retry: false }, '--no-retry does not apply to --wire classic'],
    [{ wire: 'classic', allowRoom: ['x'] }, '--allow-room does not apply to --wire classic'],
  ])('with %j: %s', async (flags, expected) => {
    expect(await loaded(flags)).toBe(expected);
  });

  test('rejects an invite over the classic wire', async () => {
    expect(await loaded({ wire: 'classic' }, ['rxchat://x'])).toBe('the classic wire has no invites');
    expect(await loaded({}, ['rxchat://x'])).toBe('main');
  });

  test('accepts --wire for the four commands that support several wires', () => {
    const several = COMMANDS.filter(({ load }) => typeof load !== 'function');
    expect(several.map(({ name }) => name)).toStrictEqual(['serve', 'join', 'send', 'listen']);
    for (const { flags } of several) expect(flags['wire']?.wires).toBe('any');
  });
});
