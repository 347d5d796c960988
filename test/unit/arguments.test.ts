import { describe, expect, test } from '@jest/globals';
import { parseArguments } from '../../src/cli/arguments.js';
import { COMMANDS } from '../../src/cli/commandTable.js';
import { CliError, Exit } from '../../src/cli/exit.js';
import type { Args } from '../../src/cli/flags.js';

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

/** The error of a command line, with its hint. */
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

describe('the value of a flag is the next word, whatever it begins with', () => {
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

  test.each(WORDS)('%j', (word) => {
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

  test('numbers too, which may be below zero', () => {
    expect(flagsOf('listen', '-n', '-5')['count']).toBe(-5);
    expect(flagsOf('listen', '-n5')['count']).toBe(5);
    expect(flagsOf('invite', '--port=-1')['port']).toBe(-1);
  });
});

describe('the grammar', () => {
  test('short flags can be given together, the last with a value', () => {
    expect(flagsOf('send', '-qm', '-x')).toMatchObject({ quiet: true, message: '-x' });
    expect(flagsOf('send', '-mtext')).toMatchObject({ message: 'text' });
  });

  test('-- ends the flags', () => {
    expect(parse('join', '--utc', '--', '--utc')).toMatchObject({ input: ['--utc'], flags: { utc: true } });
    expect(parse('join', '-')).toMatchObject({ input: ['-'] });
  });

  test('help counts as a flag alone, and before what is wrong', () => {
    for (const argv of [['-h'], ['--help'], ['-qh'], ['-m', 'x', '-h'], ['--help', '--frobnicate']])
      expect(parse('send', ...argv)).toBe('help');
    expect(faultOf('send', '--frobnicate', '--help')).toMatch(/unknown flag for send: --frobnicate/);
    expect(parse('join', '--', 'x')).not.toBe('help');
  });

  test('switches can be turned off', () => {
    expect(flagsOf('join', '--no-input', '--no-qr')).toMatchObject({ input: false, qr: false });
  });
});

describe('what is wrong is said in one line, without the value', () => {
  test.each<[string, string[], RegExp]>([
    ['no value', ['-m'], /^-m needs a value\n.*-m=TEXT$/],
    ['no value, in long', ['--nick'], /^--nick needs a value\n.*--nick=NAME$/],
    ['given twice', ['-m', 'a', '--message=b'], /^--message is given twice\n$/],
    ['a switch given twice', ['--json', '--json'], /^--json is given twice\n$/],
    ['on and off', ['--json', '--no-json'], /^--json is given twice\n$/],
    ['a value for a switch', ['--json=yes'], /^--json takes no value\n$/],
    ['a value for a short switch', ['-q=yes'], /^-q takes no value\n$/],
    ['a value for none', ['--no-json=yes'], /^--no-json takes no value\n$/],
    ['a text in place of a flag', ['-5 °C'], /^unknown flag for send: -5\n.*-m=TEXT/],
    ['a text that is no flag', ['--- a/file of hunter2'], /^unknown flag for send\n.*-m=TEXT/],
    ['none that turns off a value', ['--no-nick'], /^unknown flag for send: --no-nick\n/],
    ['a name of every object', ['--constructor'], /^unknown flag for send: --constructor\n/],
    ['another one', ['--__proto__=x'], /^unknown flag for send: --__proto__\n/],
    ['a name as the code has it', ['--inviteFile', 'x'], /--inviteFile\ndid you mean --invite-file\?$/],
    ['help in place of the invite', ['help'], /^help is not an invite\nsee (npx )?rxchat send --help$/],
    [
      'a flag that became a value',
      ['--nick', '--block', 'a', 'b'],
      /one argument\nthe word behind --nick is its value/,
    ],
  ])('%s', (_, argv, expected) => {
    expect(faultOf('send', ...argv)).toMatch(expected);
    expect(faultOf('send', ...argv)).not.toContain('hunter2');
  });

  test('a number that is empty', () => {
    expect(faultOf('invite', '--port=')).toMatch(/^--port needs a value/);
    expect(faultOf('invite', '--port', ' ')).toMatch(/^--port needs a value/);
  });
});
