import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  escapeJson,
  safe,
  sanitize,
  TEXT_LIMIT,
  sanitizeInput,
  safeJson,
  sanitizeLines,
  sanitizeNick,
  sanitizeMessage,
} from '../../../src/text/sanitize.js';
import { codePoint } from '../../support/codePoint.js';

describe('visible', () => {
  const hostile: [string, string, string][] = [
    ['a colour', 'a\x1b[31mred\x1b[0m', 'a␛[31mred␛[0m'],
    ['a cursor that moves', '\x1b[2J\x1b[H', '␛[2J␛[H'],
    ['the title of a window', '\x1b]0;root@host\x07', '␛]0;root@host␇'],
    ['a link that is another, not ended', '\x1b]8;;https://evil.example', '␛]8;;https://evil.example'],
    ['the clipboard, not ended', '\x1b]52;c;cm0gLXJm', '␛]52;c;cm0gLXJm'],
    ['a sequence within a sequence', '\x1b[3\x1b[1m1m', '␛[3␛[1m1m'],
    ['a lone escape at the end', 'a\x1b', 'a␛'],
    ['a device control string', '\x1bP+q544e\x1b\\', '␛P+q544e␛\\'],
    ['a return that overwrites', 'alice: hi\rbob: yes', 'alice: hi␍bob: yes'],
    ['a backspace that overwrites', 'yes\b\b\bno', 'yes␈␈␈no'],
    ['a bell', '\x07', '␇'],
    ['a line break that forges a line', 'hi\n12:00 bob: yes', 'hi␊12:00 bob: yes'],
    ['a tab', 'a\tb', 'a␉b'],
    ['a null', 'a\0b', 'a␀b'],
    ['a delete', 'a\x7fb', 'a␡b'],
    ['a control sequence of one character (C1)', '\x9b31mred', '\\u{9b}31mred'],
    ['an operating system command of one character', '\x9d0;x\x9c', '\\u{9d}0;x\\u{9c}'],
    ['a next line', 'a\x85b', 'a\\u{85}b'],
    ['a bidi override', 'user\u202egnp.exe', 'user\\u{202e}gnp.exe'],
    ['a bidi isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
    ['a bidi mark', 'a\u200fb\u061cc', 'a\\u{200f}b\\u{61c}c'],
    ['a zero-width space', 'al\u200bice', 'al\\u{200b}ice'],
    ['a zero-width joiner between letters', 'al\u200dice', 'al\\u{200d}ice'],
    ['a byte order mark', '\ufeffalice', '\\u{feff}alice'],
    ['a soft hyphen', 'al\u00adice', 'al\\u{ad}ice'],
    ['a word joiner', 'al\u2060ice', 'al\\u{2060}ice'],
    ['tags, which hide text', `a\u{e0061}\u{e0062}`, 'a\\u{e0061}\\u{e0062}'],
    ['a line separator', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['letters that draw nothing', '\u115f\u1160\u3164\uffa0', '\\u{115f}\\u{1160}\\u{3164}\\u{ffa0}'],
    ['private use', '\ue000\u{f0000}', '\\u{e000}\\u{f0000}'],
    ['half a character', 'a\ud83d', 'a\\u{d83d}'],
    ['a non-joiner between letters', 'al\u200cice', 'al\\u{200c}ice'],
    ['a non-joiner at the end of a word', 'می\u200c خواهم', 'می\\u{200c} خواهم'],
    ['two joiners where one belongs', 'क्\u200d\u200dष', 'क्\u200d\\u{200d}ष'],
    ['a variant of a letter', 'al\ufe0fice \u{e0100}', 'al\\u{fe0f}ice \\u{e0100}'],
    ['bytes hidden in variants', '🙂\ufe0f\ufe01\u{e0101}', '🙂\ufe0f\\u{fe01}\\u{e0101}'],
    ['a grapheme joiner', 'a\u034fb', 'a\\u{34f}b'],
    ['a filler of Khmer', '\u17b4', '\\u{17b4}'],
    ['an invisible operator', 'f\u2061x\u2062y', 'f\\u{2061}x\\u{2062}y'],
    ['a shorthand format', '\u{1bca0}', '\\u{1bca0}'],
    ['an annotation', '\ufff9a\ufffab\ufffb', '\\u{fff9}a\\u{fffa}b\\u{fffb}'],
  ];
  test.each(hostile)('shows what was to be hidden: %s', (_case, text, screen) => {
    expect(sanitize(text)).toBe(screen);
  });

  const honest: [string, string][] = [
    ['text of Europe', 'Grüße, čeština, ελληνικά, русский'],
    ['Devanagari with its marks', 'नमस्ते दुनिया, क्षत्रिय'],
    ['Arabic and Hebrew', 'مرحبا بالعالم, שלום, שָׁלוֹם'],
    ['an end of a verse', 'بِسْمِ ٱللَّهِ\u06dd'],
    ['the non-joiner of Persian', 'می\u200cخواهم کتاب\u200cها را'],
    ['the same behind a vowel sign', 'رَفتِه\u200cام'],
    ['the joiner of a Persian abbreviation', '۱۴۰۳ ه\u200d.ش'],
    ['the joiners of Devanagari', 'क्\u200dष क्\u200cष'],
    ['the joiner of Bengali before its virama', 'র\u200d্যাব'],
    ['the joiners of Malayalam and Sinhala', 'അവന്\u200d ශ්\u200dරී'],
    ['the variant of an ideograph', '葛\u{e0100}城'],
    ['the variant of a Mongolian letter', 'ᠠ\u180b'],
    ['Thai and Vietnamese', 'สวัสดีชาวโลก, Tiếng Việt'],
    ['a letter of many parts', 'e\u0301\u0323\u0308'],
    ['Chinese, Japanese, Korean', '你好, こんにちは, 안녕하세요'],
    ['an emoji', '🙂 👍🏽 ❤️ 1️⃣ 🇩🇪'],
    ['a family of joiners', '👨‍👩‍👧‍👦'],
    ['a joiner after a skin tone', '👩🏽‍🚀'],
    ['a joiner after a variation', '❤️‍🔥 🏳️‍🌈'],
    ['a joiner before a sign', '🏃‍♀️ 🏴‍☠️'],
    ['no text', ''],
  ];
  test.each(honest)('leaves alone: %s', (_case, text) => {
    expect(sanitize(text)).toBe(text);
  });

  test('shows a joiner that does not stand between two pictographs', () => {
    expect(sanitize('👩\u200d')).toBe('👩\\u{200d}');
    expect(sanitize('\u200d👩')).toBe('\\u{200d}👩');
    expect(sanitize('👩\u200da')).toBe('👩\\u{200d}a');
    expect(sanitize('a\u200d👩')).toBe('a\\u{200d}👩');
    expect(sanitize('👩\u200d\u200d👩')).toBe('👩\\u{200d}\\u{200d}👩');
    expect(sanitize('👩👩\u200d \u200d👩')).toBe('👩👩\\u{200d} \\u{200d}👩');
  });

  test('cuts a tower of combining marks, says how many, and cuts only that', () => {
    const tower = (mark: string, n: number) => `a${mark.repeat(n)}b`;
    const stump = (mark: string, cut: number) => `a${mark.repeat(8)}[${cut} marks cut]b`;
    expect(sanitize(tower('\u0301', 10_000))).toBe(stump('\u0301', 9992));
    expect(sanitize(`x${tower('\u0301', 8)}${tower('\u0489', 9)}y`)).toBe(
      `x${tower('\u0301', 8)}${stump('\u0489', 1)}y`,
    );
    // With joiners between them, which are valid after each, they are one run of marks all the same.
    expect(sanitize(tower('\u094d\u200d', 5000))).toBe(`a${'\u094d\u200d'.repeat(4)}[9992 marks cut]b`);
    // A joiner stays or is escaped by its neighbours, regardless of a cut before it.
    expect(sanitize(`${tower('\u0301', 9)}👩\u200d👩 c\u200dd`)).toBe(
      `${stump('\u0301', 1)}👩\u200d👩 c\\u{200d}d`,
    );
  });

  test('cuts what is too long, and says how much', () => {
    const longest = 'x'.repeat(TEXT_LIMIT);
    expect(sanitize(longest)).toBe(longest);
    expect(sanitize(`${longest}y`)).toBe(`${'x'.repeat(TEXT_LIMIT - 32)}[33 characters cut]`);
    expect(sanitize('x'.repeat(100), 50)).toBe(`${'x'.repeat(18)}[82 characters cut]`);
    // Never within a character or after a joiner.
    expect(sanitize(`${'x'.repeat(17)}${'🙂'.repeat(20)}`, 50)).toBe(`${'x'.repeat(17)}[40 characters cut]`);
    expect(sanitize(`${'x'.repeat(15)}👩\u200d👩${'y'.repeat(40)}`, 50)).toBe(
      `${'x'.repeat(15)}👩[43 characters cut]`,
    );
    expect(sanitize('\x9b'.repeat(TEXT_LIMIT)).length).toBeLessThanOrEqual(TEXT_LIMIT);
  });

  const dangerous = fc.constantFrom(
    ...[
      '\x1b',
      '\r',
      '\n',
      '\u200d',
      '\u202e',
      '\u{e0041}',
      '\ud83d',
      '\u0301',
      '\ufe0f',
      '👩',
      '\u200c',
      '\u094d',
      'क',
      'م',
      '葛',
      '\u{e0100}',
      '🏽',
      '♀',
      'a',
      '\x9b',
    ],
  );
  const anything = fc.oneof(
    fc.string({ unit: codePoint }),
    fc.array(dangerous, { maxLength: 40 }).map((all) => all.join('')),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((all) => String.fromCharCode(...all)),
  );

  test('lets through nothing unsafe, whatever it is given', () => {
    // A check independent of the code: it removes everything that is allowed, and expects nothing unsafe in the rest.
    const joined =
      /(\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)\u200d(?=\p{Extended_Pictographic})/gu;
    const variant = /(\p{Extended_Pictographic})[\ufe0e\ufe0f]/gu;
    const conjunct = /([\u094d\u09cd])[\u200c\u200d]/gu;
    const persian = /(\p{Script=Arabic}\p{M}*)(?:\u200c(?=\p{Script=Arabic})|\u200d)/gu;
    const ideograph = /(\p{Ideographic})[\u{e0100}-\u{e01ef}]/gu;
    const indic = /(\p{L})\u200d(?=\p{M})/gu;
    const stays = [joined, variant, conjunct, persian, ideograph, indic];
    fc.assert(
      fc.property(anything, (text) => {
        const rest = stays.reduce<string>((each, pattern) => each.replace(pattern, '$1'), sanitize(text));
        expect(rest).not.toMatch(
          /(?![\u0600-\u0605\u06dd\u08e2])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u,
        );
        expect(rest).not.toMatch(/\p{M}{9}/u);
        expect(rest.length).toBeLessThanOrEqual(TEXT_LIMIT);
      }),
      { numRuns: 1000 },
    );
  });

  test('done twice is as done once', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(sanitize(sanitize(text))).toBe(sanitize(text));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a nick of others', () => {
  test('cannot look like a nick with something said, nor like another nick', () => {
    expect(sanitizeNick('alice')).toBe('alice');
    expect(sanitizeNick('alice: yes\n12:00 bob')).toBe('alice:␠yes␊12:00␠bob');
    expect(sanitizeNick('alice\u00a0\u2003x')).toBe('alice\\u{a0}\\u{2003}x');
    expect(sanitizeNick('ali\u200bce')).toBe('ali\\u{200b}ce');
    expect(sanitizeNick('می\u200cخ')).toBe('می\\u{200c}خ');
    expect(sanitizeNick('x'.repeat(5000))).toBe(`${'x'.repeat(32)}[4968 characters cut]`);
  });

  test('is shown whole where it is one that the wire allows', () => {
    for (const nick of ['x'.repeat(32), '🙂'.repeat(32), 'नमस्ते', 'a:b', 'ünïcödé'])
      expect(sanitizeNick(nick)).toBe(nick);
  });
});

describe('a line', () => {
  test('has the words of the program as they are and makes visible what is put in', () => {
    expect(safe`-- \x07${'a\x07'}\t${7}`).toBe('-- \x07a␇\t7');
  });

  test('of several keeps its breaks, and nothing else', () => {
    expect(sanitizeLines('a\nb\x1b')).toBe('a\nb␛');
  });
});

describe('JSON', () => {
  test('is exact, and safe for a terminal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: codePoint }), fc.string({ unit: 'grapheme' })), (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toStrictEqual({ text });
        expect(sanitize(json.replaceAll(/\p{M}/gu, ''))).toBe(json.replaceAll(/\p{M}/gu, ''));
      }),
    );
  });

  test('keeps towers, and halves of characters as JSON writes them', () => {
    const text = `a${'\u0301'.repeat(10_000)}\ud83d`;
    expect(JSON.parse(safeJson(text))).toBe(text);
    expect(safeJson('\ud83d\x9b\u202e')).toBe('"\\ud83d\\u009b\\u202e"');
  });

  test('that is written already reads back the same', () => {
    const line = JSON.stringify({ nick: 'a\x9b\u202e\u{e0041}' });
    expect(escapeJson(line)).toBe('{"nick":"a\\u009b\\u202e\\udb40\\udc41"}');
    expect(JSON.parse(escapeJson(line))).toStrictEqual(JSON.parse(line));
  });
});

describe('the text of a message', () => {
  test('keeps its tabs, and nothing else that visible spells out', () => {
    expect(sanitizeMessage('id\tname\tqty')).toBe('id\tname\tqty');
    expect(sanitizeMessage('a\t\x1b[2J\rb\nc\u202e')).toBe('a\t␛[2J␍b␊c\\u{202e}');
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (text) => {
        const parts = text.split('\t').map((part) => sanitize(part));
        expect(sanitizeMessage(text)).toBe(parts.join('\t'));
      }),
    );
  });

  test('is cut where it is too long', () => {
    const long = sanitizeMessage('\t'.repeat(TEXT_LIMIT + 1));
    expect(long.length).toBeLessThanOrEqual(TEXT_LIMIT);
    expect(long).toMatch(/\[\d+ characters cut\]$/);
  });

  test('has its line ends in the input of a command, of both kinds', () => {
    const diff = '--- a/Makefile\r\n+\tcc $<\r\n\n';
    expect(sanitizeInput(diff)).toBe(diff);
    expect(sanitizeInput('over\rwritten\r\r\n\x1b[2J\r')).toBe('over␍written␍\r\n␛[2J\r');
  });
});
