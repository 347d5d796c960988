import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ChatLine, readChatLine } from '../../src/cli/chatLine.js';
import { shown as made } from '../../src/terminal/visible.js';
import { PACK_LIMIT } from '../../streams/client/pack.js';

const read = (line: string, members: string[] = ['alice', 'bob']): ChatLine | undefined =>
  readChatLine(line, {
    members: () => members,
    verify: (nick, answer) => made`-- ${nick} ${answer ?? 'no answer'}`,
  });
const shown = (line: string, members?: string[]): string => {
  const result = read(line, members);
  return result?.type === 'show' ? result.text : `not shown but ${result?.type}`;
};

describe('an entered line', () => {
  test.each(['hello', ' hello ', 'a/b', ' /quit', '.', '#', 'q', 'что', '\t/who'])(
    '%p is said as it is',
    (line) => {
      expect(read(line)).toStrictEqual({ type: 'say', text: line });
    },
  );

  test.each(['', ' ', '\t', '\u3000', '\ufeff'])('%p says nothing', (line) => {
    expect(read(line)).toBeUndefined();
  });

  test.each([
    ['//quit', '/quit'],
    ['///', '//'],
    ['// x', '/ x'],
    ['//', '/'],
  ])('%s says %s', (line, text) => {
    expect(read(line)).toStrictEqual({ type: 'say', text });
  });

  test.each(['/quit', '/quit  '])('%p leaves', (line) => {
    expect(read(line)).toStrictEqual({ type: 'quit' });
  });

  test.each([
    ['/edit', ''],
    ['/edit  a b ', 'a b'],
  ])('%p goes on in an editor', (line, text) => {
    expect(read(line)).toStrictEqual({ type: 'edit', text });
  });

  test('/help lists all commands, /who lists who is here', () => {
    for (const command of ['/who', '/verify', '/edit', '/quit', '//x'])
      expect(shown('/help')).toContain(command);
    expect(shown('/who')).toBe('-- here: alice, bob');
    expect([shown('/verify'), shown('/verify bob'), shown('/verify  bob yes ')]).toStrictEqual([
      '-- whom? /verify NICK',
      '-- bob no answer',
      '-- bob yes',
    ]);
    expect(shown('/who ', [])).toBe('-- here: ');
  });

  test('what others are called is made visible', () => {
    expect(shown('/who', ['a\x1b[2J', 'b\u202e'])).toBe('-- here: a␛[2J, b\\u{202e}');
  });
});

describe('a command that there is not', () => {
  test.each([
    ['/qiut', 'did you mean /quit?'],
    ['/hlp', 'did you mean /help?'],
    ['/Who', 'did you mean /who?'],
    ['/quit now', 'did you mean /quit?'],
    ['/dance', '/help lists the commands'],
    ['/', '/help lists the commands'],
    ['/etc/passwd', '/help lists the commands'],
  ])('%s is not said, and there is a hint', (line, hint) => {
    expect(shown(line)).toContain(hint);
    expect(shown(line)).toContain('nothing was sent');
  });

  test('is shown without what may be secret in it, and visibly', () => {
    expect(shown('/msg bob my password')).not.toContain('password');
    expect(shown('/\x1b[2Jx y')).toContain('/␛[2Jx,');
  });

  test('is never said, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        fc.pre(!rest.startsWith('/'));
        expect(read(`/${rest}`)?.type).not.toBe('say');
      }),
    );
  });
});

describe('a line too long for a token', () => {
  const longest = 'x'.repeat(PACK_LIMIT - 3);

  test('is not sent, and it is said so', () => {
    expect(read(longest)).toStrictEqual({ type: 'say', text: longest });
    expect(shown(`${longest}x`)).toBe('-- not sent: the message is over the limit of 32768 bytes');
  });

  test('is measured without the slash that is taken off', () => {
    expect(read(`//${longest.slice(1)}`)?.type).toBe('say');
    expect(shown(`//${longest}`)).toContain('not sent');
  });
});
