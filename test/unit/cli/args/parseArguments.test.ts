import { describe, expect, test } from '@jest/globals';
import { parseArguments } from '../../../../src/cli/args/parseArguments.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import type { Args } from '../../../../src/cli/args/flags.js';

const parse = (name: string, ...argv: string[]): Args | 'help' => {
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return parseArguments(command, argv);
};

const flagsOf = (name: string, ...argv: string[]): Args['flags'] => {
  const parsed = parse(name, ...argv);
  if (parsed === 'help') throw new Error('help was asked for');
  return parsed.flags;
};

/** Returns the error of a command line, with its hint. */
const faultOf = (name: string, ...argv: string[]): string => {
  try {
    parse(name, ...argv);
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    const { exitCode, message, hint } = error as CliError;
    expect(exitCode).toBe(Exit.usage);
    return `${message}\n${hint ?? ''}`;
  }
  throw new Error('was taken');
};

describe('parseArguments takes the next word as the value of a flag', () => {
  const WORDS = [
    '-test',
    '--- a/file',
    '- item',
    '-5 °C',
    '-h',
    '--help',
    '--',
    '-m',
    '--message',
    '-',
    '--json',
    '-1',
    '--no-color',
    '"quoted"',
    "'q'",
    '""',
    '=',
    'a\nb',
    '__proto__',
    ' ',
  ];

  test.each(WORDS)('if that word is %j', (word) => {
    expect(flagsOf('send', '-m', word)['message']).toBe(word);
    expect(flagsOf('send', '--message', word)['message']).toBe(word);
    expect(flagsOf('send', `--message=${word}`)['message']).toBe(word);
    expect(flagsOf('send', `-m=${word}`)['message']).toBe(word);
    expect(flagsOf('send', '-q', '--nick', word, '--json')).toMatchObject({
      nick: word,
      quiet: true,
      json: true,
    });
    expect(flagsOf('invite', '--room', word)['room']).toBe(word);
    expect(flagsOf('invite', '--pin', word)['pin']).toBe(word);
    expect(flagsOf('listen', '--since', word)['since']).toBe(word);
    expect(flagsOf('serve', '--allow-room', word, '--allow-room', word)['allowRoom']).toStrictEqual([
      word,
      word,
    ]);
  });

  test('if that word is a number, even below zero', () => {
    expect(flagsOf('listen', '-n', '-5')['count']).toBe(-5);
    expect(flagsOf('listen', '-n5')['count']).toBe(5);
    expect(flagsOf('invite', '--port=-1')['port']).toBe(-1);
  });
});

describe('parseArguments', () => {
  test('accepts combined short flags, the last with a value', () => {
    expect(flagsOf('send', '-qm', '-x')).toMatchObject({ quiet: true, message: '-x' });
    expect(flagsOf('send', '-mtext')).toMatchObject({ message: 'text' });
  });

  test('ends the flags at --', () => {
    expect(parse('join', '--utc', '--', '--utc')).toMatchObject({ input: ['--utc'], flags: { utc: true } });
    expect(parse('join', '-')).toMatchObject({ input: ['-'] });
  });

  test('treats help as a flag when it stands alone, and before errors', () => {
    for (const argv of [['-h'], ['--help'], ['-qh'], ['-m', 'x', '-h'], ['--help', '--frobnicate']])
      expect(parse('send', ...argv)).toBe('help');
    expect(faultOf('send', '--frobnicate', '--help')).toMatch(/unknown flag for send: --frobnicate/);
    expect(parse('join', '--', 'x')).not.toBe('help');
  });

  test('can turn switches off', () => {
    expect(flagsOf('join', '--no-input', '--no-qr')).toMatchObject({ input: false, qr: false });
  });
});

describe('a usage error is one line without the value', () => {
  test.each<[string, string[], RegExp]>([
    ['no value', ['-m'], /^-m needs a value\n.*-m=TEXT$/],
    ['no value, in long', ['--nick'], /^--nick needs a value\n.*--nick=NAME$/],
    ['given twice', ['-m', 'a', '--message=b'], /^--message is given twice\n$/],
    ['a switch given twice', ['--json', '--json'], /^--json is given twice\n$/],
    ['on and off', ['--json', '--no-json'], /^--json is given twice\n$/],
    ['a value for a switch', ['--json=yes'], /^--json takes no value\n$/],
    ['a value for a short switch', ['-q=yes'], /^-q takes no value\n$/],
    ['a value for a --no- flag', ['--no-json=yes'], /^--no-json takes no value\n$/],
    ['a text in place of a flag', ['-5 °C'], /^unknown flag for send: -5\n.*-m=TEXT/],
    ['a text that is not a flag', ['--- a/file of hunter2'], /^unknown flag for send\n.*-m=TEXT/],
    ['a --no- flag for a flag with a value', ['--no-nick'], /^unknown flag for send: --no-nick\n/],
    ['a property name of every object', ['--constructor'], /^unknown flag for send: --constructor\n/],
    ['another property name', ['--__proto__=x'], /^unknown flag for send: --__proto__\n/],
    ['a name in camel case', ['--inviteFile', 'x'], /--inviteFile\ndid you mean --invite-file\?$/],
    ['help in place of the invite', ['help'], /^help is not an invite\nsee (npx )?rxchat send --help$/],
    [
      'a flag that became a value',
      ['--nick', '--block', 'a', 'b'],
      /one argument\nthe word after --nick is its value/,
    ],
  ])('%s', (_, argv, expected) => {
    expect(faultOf('send', ...argv)).toMatch(expected);
    expect(faultOf('send', ...argv)).not.toContain('hunter2');
  });

  test.each<[string, string[], RegExp]>([
    ['an optional invite', ['join', ''], /^INVITE is empty\nsee (npx )?rxchat join --help$/],
    ['an invite after --', ['send', '--', ''], /^INVITE is empty\n/],
    ['a nick', ['remove', ''], /^NICK is empty\n/],
    ['a shell', ['completion', ''], /^SHELL is empty\n/],
    ['a value', ['invite', '--room', ''], /^--room needs a value\n.*--room=NAME$/],
    ['a value after =', ['join', '--nick='], /^--nick needs a value\n/],
    ['a value that is read late', ['join', '--forget', ''], /^--forget needs a value\n/],
  ])('for an empty word in place of %s', (_, [name = '', ...argv], expected) => {
    expect(faultOf(name, ...argv)).toMatch(expected);
  });

  test('for an empty number', () => {
    expect(faultOf('invite', '--port=')).toMatch(/^--port needs a value/);
    expect(faultOf('invite', '--port', ' ')).toMatch(/^--port needs a value/);
  });
});
