import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTransientNick, transientNick } from '../../../src/identity/transientNick.js';
import { checkNick, foldNick } from '../../../streams/wire/index.js';

describe('the nick of one run', () => {
  test('may stand on the wire, is another one each time, and is told by its form, folded too', () => {
    const name = fc.stringMatching(/^[\p{L}\p{N}\p{Emoji_Presentation}.-]{1,32}$/u);
    fc.assert(
      fc.property(name, (each) => {
        const nick = transientNick(each);
        expect(checkNick(nick)).toBe(nick);
        expect(transientNick(each)).not.toBe(nick);
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
  ])('%s is not one', (nick) => {
    expect(isTransientNick(nick)).toBe(false);
  });
});
