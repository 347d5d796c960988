import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTransientNick, createTransientNick } from '../../../src/identity/transientNick.js';
import { validateNick, foldNick } from '../../../streams/wire/index.js';

describe('a transient nick', () => {
  test('is a valid nick, differs each time and is recognized, also when folded', () => {
    const name = fc.stringMatching(/^[\p{L}\p{N}\p{Emoji_Presentation}.-]{1,32}$/u);
    fc.assert(
      fc.property(name, (each) => {
        const nick = createTransientNick(each);
        expect(validateNick(nick)).toBe(nick);
        expect(createTransientNick(each)).not.toBe(nick);
        expect([nick, foldNick(nick)].map(isTransientNick)).toStrictEqual([true, true]);
      }),
    );
  });

  test.each([
    'alice',
    'mary-anne',
    'root-a1b2c3d4',
    '~a1b2c3d4',
    'alice~',
    'alice~a1b2c3d',
    'alice~a1b2c3d4e',
    'alice~a1b2 3d4',
  ])('%s is not a transient nick', (nick) => {
    expect(isTransientNick(nick)).toBe(false);
  });
});
