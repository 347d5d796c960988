import { describe, expect, test } from '@jest/globals';
import { ProtocolError } from '../../../streams/wire/errors.js';
import { validateNick, foldNick, MAX_NICK_LENGTH } from '../../../streams/wire/nick.js';

const codeOf = (nick: string): string => {
  try {
    validateNick(nick);
    return 'accepted';
  } catch (error) {
    return error instanceof ProtocolError ? error.code : `not a ProtocolError: ${String(error)}`;
  }
};

describe('a nick', () => {
  test.each([
    'alice',
    'a',
    'Éva',
    '李雷',
    'Ω',
    'a*b',
    'a=b',
    '+1',
    '-',
    "o'neil",
    '😀',
    'a'.repeat(MAX_NICK_LENGTH),
  ])('passes as it is: %s', (nick) => {
    expect(validateNick(nick)).toBe(nick);
  });

  test('counts characters and not UTF-16 units', () => {
    expect(codeOf('😀'.repeat(MAX_NICK_LENGTH))).toBe('accepted');
    expect(codeOf('😀'.repeat(MAX_NICK_LENGTH + 1))).toBe('nick-too-long');
  });

  test.each([
    ['empty', '', 'nick-empty'],
    ['too long', 'a'.repeat(MAX_NICK_LENGTH + 1), 'nick-too-long'],
    ['with a space', 'al ice', 'nick-invalid'],
    ['with a no-break space', 'al\u00a0ice', 'nick-invalid'],
    ['with a line end', 'alice\n', 'nick-invalid'],
    ['with a carriage return', 'alice\r', 'nick-invalid'],
    ['with a NUL', 'al\0ice', 'nick-invalid'],
    ['with an escape', '\u001b[31malice', 'nick-invalid'],
    ['with a C1 control', 'alice\u009b', 'nick-invalid'],
    ['with DEL', 'alice\u007f', 'nick-invalid'],
    ['with a bidirectional override', 'alice\u202e', 'nick-invalid'],
    ['with a bidirectional isolate', '\u2066alice', 'nick-invalid'],
    ['with a zero-width space', 'al\u200bice', 'nick-invalid'],
    ['with a zero-width joiner', 'al\u200dice', 'nick-invalid'],
    ['with a byte order mark', '\ufeffalice', 'nick-invalid'],
    ['with a line separator', 'alice\u2028', 'nick-invalid'],
    ['with a soft hyphen', 'al\u00adice', 'nick-invalid'],
    ['with a tag character', 'alice\u{e0041}', 'nick-invalid'],
    ['with a lone surrogate', 'alice\ud800', 'nick-invalid'],
    ['with a private character', 'alice\ue000', 'nick-invalid'],
    ['of a blank that is a letter', '\u3164', 'nick-invalid'],
    ['of a blank braille pattern', '\u2800', 'nick-invalid'],
    ['with a comma', 'alice,bob', 'nick-invalid'],
    ['that begins with *', '*12', 'nick-invalid'],
  ])('%s is refused', (_what, nick, code) => {
    expect(codeOf(nick)).toBe(code);
  });

  test('that is refused is not repeated in the error', () => {
    expect(() => validateNick('\u001b]0;mallory\u0007')).toThrow(/^[a-z0-9 ,*-]+$/);
  });
});

describe('folding', () => {
  test.each([
    ['alice', 'ALICE'],
    ['alice', 'ａｌｉｃｅ'],
    ['éva', 'e\u0301va'],
    ['ﬁn', 'fin'],
    ['²', '2'],
  ])('makes %s and %s one nick', (one, other) => {
    expect(foldNick(one)).toBe(foldNick(other));
  });

  test('keeps different nicks apart', () => {
    expect(new Set(['alice', 'alicе', 'alice1', 'bob'].map(foldNick)).size).toBe(4);
  });
});
